/** The library's entry for Node. */
import { openDatabase, openPorts } from 'peerage/node';
import { libraryConformance } from '../../conformance/library.ts';

libraryConformance(import.meta.url, { openPorts, openDatabase });
