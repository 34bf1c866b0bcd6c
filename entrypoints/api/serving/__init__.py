"""How HTTP is served: by uvicorn, with bounds on what a client may take (docs/adr/0038)."""
