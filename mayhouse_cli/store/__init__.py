"""Postgres: the connection, the migrations, the journal and the repositories."""
