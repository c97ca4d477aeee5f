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
  const { campaign, disputed, unvisited, recognised, typed, code, courier } = scene;
  const of = `/office/campaigns/${campaign}`;
  const own = `${of}/units/${disputed.unit}`;
  const papers = Object.values(prints(scene));
  const forms = ["7.1", "7.2", "7.3", "7.4-poor", "7.4-near-poor", "7.5-poor", "7.5-near-poor"];
  return [
    ["nobody", "/office/sign-in"],
    ["officer", "/office"],
    ["officer", own],
    ["officer", `${own}/households`],
    ["officer", `${own}/households?state=disputes&q=ho`],
    ["officer", `${of}/households/${disputed.household}`],
    ["officer", `${own}/disputes`],
    ["district", `${own}/disputes`],
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
    ["officer", `${own}/pairs`],
    ["officer", `${own}/aside`],
    ["neighbour", `${of}/units/${unvisited.unit}/aside`],
    ["district", `${own}/aside`],
    ["officer", `${own}/handovers`],
    ["district", `${own}/handovers`],
    ["district", `${own}/pairs`],
    ["district", `${of}/pairs`],
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
    ["officer", `${own}/paper`],
    ["officer", `${own}/paper?q=ho`],
    ["officer", `${own}/paper/new`],
    ["officer", `${of}/households/${disputed.household}/paper`],
    ["neighbour", `${of}/units/${unvisited.unit}/paper`],
    ["district", `${own}/paper`],
    ["colleague", `${of}/households/${typed.due}/second`],
    ["officer", `${of}/households/${typed.due}/second`, { status: 403 }],
    ["colleague", `${of}/households/${typed.compared}/second`],
    ["province", `${of}/import`],
    ["officer", `${of}/import`],
    ["province", `${of}/import/roster`],
    ["province", `${of}/import/accounts`],
    ["officer", `${of}/import/hamlets`],
    ["officer", `${of}/import/assignments`],
    ["officer", `${of}/export`],
    ["province", `${of}/export`],
    ["province", `${of}/layouts`],
    ["province", `${of}/layouts?name=members`],
    ["officer", "/office/courier"],
    ["district", "/office/courier"],
    ["officer", `/office/courier/${courier}`],
    ["district", `/office/courier/${courier}`, { status: 404 }],
    ["officer", `/office/devices/codes/${code}`],
    ["province", `${of}/forms`],
    ["district", `${of}/forms`],
    ["officer", `${of}/forms`],
    ["province", `${of}/register`],
    ["officer", `${of}/register?on=2021-12-31`],
    ["other_district", `${of}/register/moves?form=7.2&column=1&under=${recognised.unit}`],
    ["officer", `${of}/forms/7.1`, { status: 409 }],
    ["other_district", `${of}/forms?under=${recognised.unit}`],
    ...forms.map((form) => ["other_district", `${of}/forms/${form}?under=${recognised.unit}`]),
    ...forms.map((form) => ["province", `${of}/forms/${form}?under=45&number=1`]),
    ...papers,
  ];
}
