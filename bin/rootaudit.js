#!/usr/bin/env node
'use strict';

const { join } = require('node:path');
const { main } = require('../dist/cli.cjs');

void main(process.argv, join(__dirname, '..'));
