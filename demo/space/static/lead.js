// Significance of the best network's lead: a test under redraws of the noise. The constants come from page.json.
import { estimate } from "./network.js";
import { corrupted, psnr } from "./noise.js";

const FIRST_SEED = 4294967000;  // first seed of the redraws

/**
 * Return the lead under the displayed noise: { decibels, redraws, best }. `best` is the network's name, or null if the
 * redraws do not confirm the lead. Return null for a single network, or as soon as `stale()` is true.
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

/** Return true if the interval of the mean lies above 0; `quantile` is the interval's Student's t. */
export function confirmed(differences, quantile) {
  const count = differences.length, mean = differences.reduce((sum, one) => sum + one) / count;
  const variance = differences.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (count - 1);
  return mean > quantile * Math.sqrt(variance / count);
}

/** Return the line about a lead. */
export function sentence({ decibels, redraws, best }, { sentences }) {
  const text = redraws === 0 ? sentences.small : best ? sentences.clear : sentences.unclear;
  return text.replace("{decibels}", decibels.toFixed(2)).replace("{redraws}", redraws);
}
