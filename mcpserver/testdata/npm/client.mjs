// A client in another language. It uses a server as a model would, and says on its
// standard output what it saw, one JSON object a line.
//
//   node client.mjs v1|v2|v2-new stdio PROGRAM ARG...
//   node client.mjs v1|v2|v2-new http URL TOKEN
//
// v1 is the SDK that most clients have, v2 its successor, v2-new the same with a
// version of the protocol that has no sessions. The packages are in $HUTCH_NPM.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.HUTCH_NPM, 'package.json'));
const [kind, transport, ...rest] = process.argv.slice(2);
const say = (what, value) => console.log(JSON.stringify({ what, value }));

function load() {
  if (kind === 'v1') {
    const { ElicitRequestSchema } = require('@modelcontextprotocol/sdk/types.js');
    return {
      ...require('@modelcontextprotocol/sdk/client/index.js'),
      ...require('@modelcontextprotocol/sdk/client/stdio.js'),
      ...require('@modelcontextprotocol/sdk/client/streamableHttp.js'),
      elicitation: ElicitRequestSchema,
    };
  }
  return {
    ...require('@modelcontextprotocol/client'),
    ...require('@modelcontextprotocol/client/stdio'),
    elicitation: 'elicitation/create',
  };
}

const sdk = load();
const client = new sdk.Client(
  { name: 'test', version: '1' },
  {
    capabilities: { elicitation: {} },
    ...(kind === 'v2-new' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {}),
  },
);
let asked = 0;
client.setRequestHandler(sdk.elicitation, async (request) => {
  asked++;
  say('asked', request.params.message);
  const answer = request.params.requestedSchema.properties.answer.enum[0];
  return { action: 'accept', content: { answer } };
});

const use = (name, args, options) =>
  kind === 'v1'
    ? client.callTool({ name, arguments: args }, undefined, options)
    : client.callTool({ name, arguments: args }, options);

await client.connect(
  transport === 'stdio'
    ? new sdk.StdioClientTransport({ command: rest[0], args: rest.slice(1), env: process.env, stderr: 'inherit' })
    : new sdk.StreamableHTTPClientTransport(new URL(rest[0]), {
        requestInit: { headers: { Authorization: `Bearer ${rest[1]}` } },
      }),
);
say('server', client.getServerVersion());
const { tools } = await client.listTools();
say('tools', Object.fromEntries(tools.map((t) => [t.name, t.annotations])));

// With an output schema, the SDK checks the structured content against it.
say('write', await use('write_file', { path: 'dir/a.txt', content: 'one\ntwo\n' }));
say('edit', await use('edit_file', { path: 'dir/a.txt', old_string: 'two', new_string: 'zwei' }));
say('read', await use('read_file', { path: 'dir/a.txt' }));
say('glob', await use('glob', { pattern: '**/*.txt' }));
say('grep', await use('grep', { pattern: 'zwei' }));
say('outside', await use('read_file', { path: '../../etc/passwd' }));
say('wrong', await use('read_file', { path: 7 }));
say('huge', await use('write_file', { path: 'huge', content: 'x'.repeat(20 << 20) }));
say('unknown', await use('nope', {}).then((r) => r, (e) => String(e)));

if (tools.some((t) => t.name === 'execute')) {
  const seen = [];
  const onprogress = (p) => seen.push(p);
  say('execute', await use('execute', { command: 'pwd; cat dir/a.txt; sleep 0.3; echo more; sleep 0.3; exit 3' }, { onprogress }));
  say('progress', seen);
  const much = await use('execute', { command: 'seq 100000' });
  const link = much.content.find((c) => c.type === 'resource_link');
  say('much', { size: JSON.stringify(much).length, link });
  if (link) {
    const all = await client.readResource({ uri: link.uri });
    say('resource', { length: all.contents[0].text.length, end: all.contents[0].text.slice(-7) });
  }
  const stop = new AbortController();
  const mark = process.env.HUTCH_MARK;
  const stopped = use('execute', { command: `echo begun; sleep ${mark}` }, {
    signal: stop.signal,
    onprogress: () => stop.abort('enough'),
  });
  say('stopped', await stopped.then((r) => r, () => 'rejected'));
}
say('asked-in-all', asked);
await client.close();
say('end', true);
