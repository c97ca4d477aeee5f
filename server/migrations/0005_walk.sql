-- First downloads go through a unit's households in order of their documents.
create index household_walk on household (campaign, unit, document);
