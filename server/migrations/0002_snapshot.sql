-- Derived: each household's document as it was saved last. May be emptied at any time.
create table snapshot (
    document {{blob}} primary key,
    campaign {{blob}} not null,
    unit     text     not null,          -- whose log the position is of
    position {{int}}  not null,          -- holds every accepted change of the main branch up to here
    heads    {{blob}} not null,          -- 32 bytes each, sorted
    bytes    {{blob}} not null           -- Automerge document under zstd, see server/src/snapshot.rs
){{strict}};
