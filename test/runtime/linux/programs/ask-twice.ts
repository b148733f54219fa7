/** Asks the registry that is its argument for two things at once, and prints what it answered. A program of trusted-authorities.test.ts. */
import process from 'node:process';
import { http } from '../../../../runtime/linux/http.ts';

const [, , url] = process.argv;
const answers = await Promise.all(['/a', '/b'].map((path) => http.request({ method: 'GET', url: `${url}${path}` })));
process.stdout.write(JSON.stringify(answers.map(({ status }) => status)));
