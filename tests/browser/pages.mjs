// Every page, by who looks at it: what is wrong with any of them fails the test.
//
// A page is added here with one line: [who, address]. Whoever needs another thing to look at puts
// it into the scene (tests/src/bin/scene.rs).

/** Lists the papers of a scene: who prints them, their address, and what the file is called. */
export function prints({ campaign, unvisited, recognised, disputed }) {
  const of = `/office/campaigns/${campaign}`;
  const listed = `${of}/units/${unvisited.unit}/print`;
  const done = `${of}/units/${recognised.unit}/print`;
  const own = `${of}/units/${disputed.unit}/print`;
  const filled = `${of}/households/${recognised.household}/print`;
  return {
    "review-list": ["neighbour", `${listed}/review-list`],
    "review-list-by-enumerator": ["neighbour", `${listed}/review-list?by=enumerator`],
    "form-a": ["neighbour", `${listed}/forms/phieu-a`],
    "form-b": ["neighbour", `${listed}/forms/phieu-b`],
    "form-b-filled": ["other_district", `${filled}/phieu-b`],
    posted: ["other_district", `${done}/posted?hamlet=${recognised.hamlet}`],
    decision: ["other_district", `${done}/decision`],
    "decision-draft": ["officer", `${own}/decision`],
    minutes: ["officer", `${own}/minutes`],
    list: ["other_district", `${of}/units/${recognised.unit}/list`],
  };
}

/** Lists the pages of a scene. */
export function pages(scene) {
  const { campaign, disputed, unvisited, recognised } = scene;
  const of = `/office/campaigns/${campaign}`;
  const own = `${of}/units/${disputed.unit}`;
  const papers = Object.values(prints(scene));
  return [
    ["nobody", "/office/sign-in"],
    ["officer", "/office"],
    ["officer", own],
    ["officer", `${own}/households`],
    ["officer", `${own}/households?state=disputes&q=ho`],
    ["officer", `${of}/households/${disputed.household}`],
    ["officer", `${own}/list`],
    ["officer", `${of}/rates`],
    ["neighbour", `${of}/units/${unvisited.unit}`],
    ["neighbour", `${of}/units/${unvisited.unit}/households`],
    ["district", of],
    ["district", `${of}?step=submitted`],
    ["district", `${own}/list`],
    ["district", `${of}/rates`],
    ["other_district", `${of}/units/${recognised.unit}/list`],
    ["other_district", `${of}/households/${recognised.household}`],
    ["province", "/office"],
    ["province", of],
    ["province", `${of}/rates`],
    ["province", `${of}/units/${recognised.unit}`],
    ["officer", `${of}/units/${recognised.unit}`, { status: 404 }],
    ["officer", `${own}/print`],
    ["province", `${of}/units/${recognised.unit}/print`],
    ["province", `${of}/posted-columns`],
    ["district", `${of}/posted-columns`],
    ["district", `${of}/desk`],
    ["district", `${own}/comparison`],
    ["district", `${own}/comparison/phones`],
    ["district", `${own}/comments`],
    ["district", `${own}/sample`],
    ["district", `${own}/scans`],
    ["officer", `${own}/comparison`],
    ["officer", `${own}/hamlets`],
    ["officer", `${of}/figures`],
    ["officer", "/office/password"],
    ["officer", "/office/accounts"],
    ["officer", "/office/devices"],
    ["province", `${of}/desk`],
    ["province", `${of}/settings`],
    ["province", `${of}/score-table`],
    ["province", `${of}/targets`],
    ["province", `${of}/figures`],
    ["province", `${of}/days`],
    ["province", `${of}/map`],
    ["province", "/office/accounts"],
    ["province", "/office/devices"],
    ["province", "/office/standards"],
    ["province", "/office/standards/nd-07-2021"],
    ["province", "/office/units"],
    ["province", "/office/campaigns/new"],
    ...papers,
  ];
}
