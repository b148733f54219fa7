#!/usr/bin/env node
import { launch } from './launch.js';

void launch('peerage', () => import('../main.ts'));
