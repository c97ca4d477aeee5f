-- The standard door: tickets that a client puts into the address it connects to.
create table ticket (
    hash          {{blob}} primary key,  -- SHA-256 of the ticket
    campaign      {{blob}} not null references campaign (id),
    device        {{blob}} not null references device (id),
    account       {{blob}} not null references account (id),
    session       {{blob}} not null,     -- the session it was asked for in; the ticket ends with it
    schema        {{int}}  not null,     -- layout and form version the client says it writes
    made_at_ms    {{int}}  not null,
    expires_at_ms {{int}}  not null,
    sender        text                   -- name of the peer that used it first, and alone may use it
){{strict}};
create index ticket_device on ticket (device, made_at_ms);

-- Whose an actor is, asked for each change that comes without a signature.
create index installation_actor on installation (actor);
