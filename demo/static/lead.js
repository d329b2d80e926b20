// The lead of the best network over the next one: redraws of the noise tell it from chance. Numbers come from page.json.
import { estimate } from "./network.js";
import { corrupted, psnr } from "./noise.js";

const FIRST_SEED = 4294967000;  // of the redraws

/**
 * The lead under what is shown, and whether it is confirmed: { decibels, redraws, best }, `best` the name or null;
 * null with a single network, or as soon as `stale()`.
 */
export async function judge({ clean, answers, sigma, clip }, networks, rule, stale) {
  const capped = (picture) => Math.min(rule.highest, psnr(picture, clean));
  const score = ({ name }) => capped(answers[name].picture);
  const [best, next] = [...networks].sort((one, other) => score(other) - score(one));
  if (!next) return null;
  const decibels = score(best) - score(next);
  if (decibels < rule.matters) return { decibels, redraws: 0, best: null };
  const redraws = rule.redraws[Math.max(clean.width, clean.height) > rule.small_side ? "large" : "small"];
  const differences = [];
  for (let i = 0; i < redraws; i++) {
    const noisy = corrupted(clean, sigma, FIRST_SEED + i, clip), scores = [];
    for (const network of [best, next]) scores.push(capped((await estimate(network, noisy)).picture));
    if (stale()) return null;
    differences.push(scores[0] - scores[1]);
  }
  return { decibels, redraws, best: confirmed(differences, rule.quantiles[redraws]) ? best.name : null };
}

/** Whether the interval of the mean lies above 0; `quantile` is Student's t for it. */
export function confirmed(differences, quantile) {
  const count = differences.length, mean = differences.reduce((sum, one) => sum + one) / count;
  const variance = differences.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (count - 1);
  return mean > quantile * Math.sqrt(variance / count);
}

/** The line that says it. */
export function sentence({ decibels, redraws, best }, { sentences }) {
  const text = redraws === 0 ? sentences.small : best ? sentences.clear : sentences.unclear;
  return text.replace("{decibels}", decibels.toFixed(2)).replace("{redraws}", redraws);
}
