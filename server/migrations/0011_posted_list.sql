-- Columns of the posted list, for a campaign whose province has chosen them.

create table posted_list (
    campaign     {{blob}} primary key references campaign (id),
    columns      text     not null,      -- JSON list of column codes; which there are, shared says
    account      {{blob}} not null references account (id),
    chosen_at_ms {{int}}  not null
){{strict}};
