/** The database on Node. */
import { openDatabase } from '../../../runtime/node/database.ts';
import { databaseFileConformance } from '../../conformance/database-file.ts';

databaseFileConformance('better-sqlite3', openDatabase);
