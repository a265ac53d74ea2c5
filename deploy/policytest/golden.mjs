// Writes golden.txt anew: npm run golden. Read the difference before you commit it.
import fs from 'node:fs';
import { asGolden, decisions, goldenFile } from './matrix.mjs';

fs.writeFileSync(goldenFile, asGolden(await decisions()));
