#!/usr/bin/env node
import { launch } from './launch.js';

void launch('peerage-tun', () => import('../peerage-tun.ts'));
