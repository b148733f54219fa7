/** The database on Bun. */
import { openDatabase } from '../../../runtime/bun/database.ts';
import { databaseFileConformance } from '../../conformance/database-file.ts';

databaseFileConformance('bun:sqlite', openDatabase);
