/** The library's entry for Deno. */
import { openDatabase, openPorts } from 'peerage/deno';
import { libraryConformance } from '../../conformance/library.ts';

libraryConformance(import.meta.url, { openPorts, openDatabase });
