"""What Postroom keeps in PostgreSQL (15 or newer), on psycopg 3.

* database.py    connections and transactions: a tenant each, kept apart by row-level security
* migrations.py  the schema, as numbered SQL
* ledger.py      opens the block that what all the others write in it belongs to
"""
