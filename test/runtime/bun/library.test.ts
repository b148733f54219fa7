/** The library's entry for Bun. */
import { openDatabase, openPorts } from 'peerage/bun';
import { libraryConformance } from '../../conformance/library.ts';

libraryConformance(import.meta.url, { openPorts, openDatabase });
