// A receiver of mail: Express 5, pg, standardwebhooks.
//
//     npm ci
//     DATABASE_URL=postgresql://… POSTROOM_SECRET=whsec_… PORT=3000 node receiver.mjs

import express from "express";
import pg from "pg";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.POSTROOM_SECRET);
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

// A connection that is lost must not end the process: pg throws what nobody listens for.
const lost = (error) => console.error(`a connection was lost: ${error.message}`);
pool.on("error", lost).on("connect", (client) => client.on("error", lost));

const app = express();

// No express.json() before this: the signature is of the bytes that were sent.
const raw = express.raw({ type: "application/json", limit: "2mb" });

app.post("/inbound", raw, async (request, response) => {
  let event;
  try {
    event = webhook.verify(request.body, request.headers);
  } catch {
    return response.status(401).json({ reason: "signature" });
  }
  if (event.type !== "mail.received") return response.json({}); // a ping, a test, or what is new next year
  const { ticket, isNew } = await take(event.data);
  response.status(isNew ? 201 : 208).json({ reference: String(ticket) });
});

/** The key and the effect in one transaction, committed before the answer. */
async function take(mail) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const inserted = await client.query("INSERT INTO inbox_key (key) VALUES ($1) ON CONFLICT DO NOTHING", [mail.key]);
    const isNew = inserted.rowCount === 1;
    const ticket = isNew ? await fileTicket(client, mail) : await ticketOf(client, mail.key);
    if (isNew) await client.query("UPDATE inbox_key SET ticket = $1 WHERE key = $2", [ticket, mail.key]);
    await client.query("COMMIT");
    client.release();
    return { ticket, isNew };
  } catch (error) {
    client.release(error); // closes the connection, and with it the transaction
    throw error;
  }
}

async function ticketOf(client, key) {
  const found = await client.query("SELECT ticket FROM inbox_key WHERE key = $1", [key]);
  return found.rows[0].ticket;
}

/** Stands for your application. Whatever it writes, it writes by *client*. */
async function fileTicket(client, mail) {
  const sender = mail.email.from?.[0]?.email ?? null;
  const filed = await client.query("INSERT INTO ticket (sender, subject) VALUES ($1, $2) RETURNING number", [
    sender,
    mail.email.subject,
  ]);
  return filed.rows[0].number;
}

app.listen(process.env.PORT ?? 3000, "127.0.0.1");
