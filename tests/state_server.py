"""A state on a real PostgreSQL: one database of a server, and a table with every type a server has."""

from dataclasses import dataclass
from typing import Any

import psycopg

TYPES = {
    "a_real": ("real", "0.1"),
    "a_double": ("double precision", "'NaN'"),
    "a_numeric": ("numeric", "12345678901234567890.000100"),
    "a_small": ("numeric(6,2)", "12.50"),
    "a_bigint": ("bigint", "9007199254740993"),
    "a_truth": ("boolean", "true"),
    "a_padded": ("character(8)", "'abc'"),
    "a_blob": ("bytea", r"'\x00ff10'"),
    "a_stamp": ("timestamp with time zone", "'2026-11-30 12:00:00.123456+02'"),
    "a_rounded": ("timestamp(0) with time zone", "'2026-11-30 12:00:00+02'"),
    "a_naive": ("timestamp without time zone", "'infinity'"),
    "a_day": ("date", "'0044-03-15 BC'"),
    "a_moment": ("time with time zone", "'12:00:00.5+05:30'"),
    "a_while": ("interval", "'1 mon -3 days 04:05:06.7'"),
    "a_text_array": ("text[]", """ARRAY['a,b', 'c"d', NULL, 'NULL', '', '{}']"""),
    "a_shifted": ("integer[]", "'[2:3]={1,2}'"),
    "a_json": ("json", """'{"b":1,  "a":[1.0,null], "b":2}'"""),
    "a_jsonb": ("jsonb", """'{"b":1,  "a":[1.0,null]}'"""),
    "a_uuid": ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
    "an_address": ("inet", "'10.0.0.1'"),
    "a_range": ("int4range", "'[1,5)'"),
    "ranges": ("nummultirange", "'{[1.5,2),(3,4]}'"),
    "a_mood": ("mood", "'so so'"),
    "a_pair": ("pair", """ROW(1, 'x, "y"')"""),
    "a_short": ("short", "'abc'"),
    "bits": ("bit varying(9)", "B'10101'"),
    "money": ("money", "'-1234.56'"),
    "a_page": ("xml", "'<a>b</a>'"),
    "words": ("tsvector", "'a:1 fat:2'"),
    "a_point": ("point", "'(0.1,2)'"),
    "a_path": ("jsonpath", "'$.a[*]'"),
}
OWN_TYPES = """
    CREATE TYPE mood AS ENUM ('so so', 'good');
    CREATE TYPE pair AS (one integer, other text);
    CREATE DOMAIN short AS text CHECK (length(value) < 10);
"""
PLAIN = "workstream_id text PRIMARY KEY, status text, error_message text"


@dataclass
class Server:
    """One database on a real server."""

    host: str
    name: str

    @property
    def location(self) -> str:
        return f"postgresql+psycopg://unjam@/{self.name}?host={self.host}"

    def connected(self, **more: Any) -> Any:
        words = {"user": "unjam", **more}
        return psycopg.connect(host=self.host, dbname=self.name, autocommit=True, **words)

    def run(self, statements: str) -> list[tuple[Any, ...]]:
        with self.connected() as connection:
            asked = connection.execute(statements)
            return list(asked.fetchall()) if asked.description else []

    def all(self) -> list[tuple[Any, ...]]:
        return self.run("SELECT t::text FROM workstream_status t ORDER BY 1")


_COLUMNS = ", ".join(f"{name} {kind}" for name, (kind, _) in TYPES.items())
_VALUES = ", ".join(value for _, value in TYPES.values())
# An identity, a generated column, defaults, and two triggers.
EVERY_TYPE = f"""
    {OWN_TYPES}
    CREATE TABLE workstream_status (
        id bigint GENERATED ALWAYS AS IDENTITY, {PLAIN}, started_at timestamptz,
        completed_at timestamptz, updated_at timestamptz DEFAULT now(), attempt integer DEFAULT 1,
        is_over boolean GENERATED ALWAYS AS (status = 'completed') STORED, {_COLUMNS});
    CREATE TABLE history (at timestamptz DEFAULT clock_timestamp(), said text);
    CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END';
    CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO history (said) VALUES (TG_OP); RETURN NULL; END';
    CREATE TRIGGER stamp BEFORE UPDATE ON workstream_status FOR EACH ROW EXECUTE FUNCTION stamp();
    CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON workstream_status
        FOR EACH ROW EXECUTE FUNCTION tell();
    INSERT INTO workstream_status (workstream_id, status, started_at, {", ".join(TYPES)})
        VALUES ('ws-0', 'running', now(), {_VALUES}), ('ws-1', 'running', now(), {_VALUES})
    """
