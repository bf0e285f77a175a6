import { type Comparison, percent, settingsInWords } from "./report.js";

const WIDTH = 760;
const HEIGHT = 250;
const BAR = { left: 190, fullWidth: 400, height: 46 };

/** Mid-tones, legible on white and on black, since whoever shows the chart chooses the ground. */
const INK = "#6e7781";
const INK_ON_DARK = "#8b949e";
const WRONG = "#e5534b";
const RIGHT = "#2f9e5c";

type Charted = Pick<Comparison, "settings" | "corrections"> & {
  readonly [Side in "sharedRecords" | "walkback"]: Pick<Comparison[Side], "wrongRating" | "decisions">;
};

/** Two bars: the share of decisions with a wrong risk rating on each side. */
export function chartOf({ settings, corrections, sharedRecords, walkback }: Charted): string {
  const share = (side: Charted["walkback"]) => (side.decisions === 0 ? 0 : side.wrongRating / side.decisions);
  const largest = Math.max(share(sharedRecords), share(walkback), 0.05);
  const bar = (title: string, note: string, side: Charted["walkback"], top: number) => {
    const width = Math.round((share(side) / largest) * BAR.fullWidth);
    const verdict = side.wrongRating > 0 ? "wrong" : "right";
    const middle = top + BAR.height / 2;
    return `
  <text x="${BAR.left - 14}" y="${middle - 3}" text-anchor="end" class="strong">${title}</text>
  <text x="${BAR.left - 14}" y="${middle + 15}" text-anchor="end">${note}</text>
  <rect x="${BAR.left}" y="${top}" width="${Math.max(width, 3)}" height="${BAR.height}" rx="3" class="${verdict}"/>
  <text x="${BAR.left + Math.max(width, 3) + 12}" y="${middle - 1}" class="figure ${verdict}">${percent(share(side))}</text>
  <text x="${BAR.left + Math.max(width, 3) + 12}" y="${middle + 17}">${side.wrongRating} of ${side.decisions}</text>`;
  };
  const summary = `Shared records: ${percent(share(sharedRecords))}. Walkback: ${percent(share(walkback))}.`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title summary">
  <title id="title">Decisions with a wrong risk rating</title>
  <desc id="summary">${summary}</desc>
  <style>
    text { font: 13px -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: ${INK}; }
    .title { font-size: 18px; font-weight: 600; }
    .strong { font-size: 14px; font-weight: 600; }
    .figure { font-size: 20px; font-weight: 700; }
    .wrong { fill: ${WRONG}; }
    .right { fill: ${RIGHT}; }
    @media (prefers-color-scheme: dark) { text:not(.wrong, .right) { fill: ${INK_ON_DARK}; } }
  </style>
  <text x="16" y="30" class="title">Decisions with a wrong risk rating</text>
  <text x="16" y="51">The same five agents, applications and delays: ${walkback.decisions} submissions, ${corrections} of them corrections of an earlier one</text>
  <line x1="${BAR.left}" y1="70" x2="${BAR.left}" y2="190" stroke="${INK}" stroke-opacity="0.5"/>${bar("Shared records", "behind a cache", sharedRecords, 76)}${bar("Walkback", "immutable versions", walkback, 138)}
  <text x="16" y="217">Wrong: grade or probability of default differs from what the same agents say when run alone.</text>
  <text x="16" y="236">${capitalized(settingsInWords(settings))}.</text>
</svg>
`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
