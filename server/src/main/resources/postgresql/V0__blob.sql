-- The tables in ../db say "blob", as SQLite does.
create domain blob as bytea;
