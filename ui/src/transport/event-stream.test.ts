import { describe, expect, it } from 'vitest';
import { EventReader, type StreamEvent } from './event-stream.ts';

function read(text: string, cut: number): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = new EventReader((event) => events.push(event));
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += cut) {
    reader.push(bytes.subarray(at, at + cut));
  }
  return events;
}

const STREAM =
  ': keep-alive\n\nid: 1\nevent: snapshot\ndata: {"a":"ü\u{1F579}"}\n\r\n' +
  'event: notice\r\ndata: one\r\ndata:two\r\n\r\ndata\n\nevent: delta\n\n';

describe('the reader of events', () => {
  for (const cut of [1, 2, 3, 7, 1000]) {
    it(`reads the same in pieces of ${cut} bytes`, () => {
      expect(read(STREAM, cut)).toEqual([
        { name: 'snapshot', text: '{"a":"ü\u{1F579}"}' },
        { name: 'notice', text: 'one\ntwo' },
        { name: 'message', text: '' },
      ]);
    });
  }

  it('tells nothing before the end of an event', () => {
    expect(read('event: delta\ndata: 1\n', 4)).toEqual([]);
  });
});
