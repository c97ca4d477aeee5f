// Every page, by who looks at it: what is wrong with any of them fails the test.
//
// A page is added here with one line: [who, address]. Whoever needs another thing to look at puts
// it into the scene (tests/src/bin/scene.rs).

/** Lists the pages of a scene. */
export function pages({ campaign, disputed, unvisited, recognised }) {
  const of = `/office/campaigns/${campaign}`;
  const own = `${of}/units/${disputed.unit}`;
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
  ];
}
