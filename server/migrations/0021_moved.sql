-- A phone asks for what is new in its hamlets: first which households have anything new at all.
create index household_moved on household (campaign, unit, last_position);
