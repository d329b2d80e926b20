// Many draws of the noise, denoised one after the other while nothing else is wanted.
import { estimate } from "./network.js";
import { corrupted, psnr } from "./noise.js";

const FIRST_SEED = 4294960000;  // first seed of the draws, above the seeds that a visitor is likely to choose

/**
 * Yield the rows of the draw strip after each of the counts in `rule.counts`, until `rule.seconds` have passed or `stale()`
 * is true.
 */
export async function* drawn({ clean, sigma, clip }, networks, rule, stale) {
  const rows = networks.map(({ label, colour, decoder }) => ({ label, color: colour, decoder, psnr: [] }));
  const ends = performance.now() + 1000 * rule.seconds, last = Math.max(...rule.counts);
  for (let draw = 0; draw < last && (draw < rule.counts[0] || performance.now() < ends); draw++) {
    const noisy = corrupted(clean, sigma, FIRST_SEED + draw, clip);
    for (const [place, network] of networks.entries()) {
      const { picture } = await estimate(network, noisy);
      rows[place].psnr.push(Math.min(rule.highest, psnr(picture, clean)));
    }
    if (stale()) return;
    if (rule.counts.includes(draw + 1)) yield rows;
    if (draw % 10 === 9) await new Promise(requestAnimationFrame);  // the page answers in between
  }
}
