/** The database on Deno. */
import { openDatabase } from '../../../runtime/deno/database.ts';
import { databaseFileConformance } from '../../conformance/database-file.ts';

databaseFileConformance('node:sqlite of Deno', openDatabase);
