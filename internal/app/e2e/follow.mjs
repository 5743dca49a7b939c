// Follows a conversation as a page's EventSource does, through lost
// connections, to the end of a turn. Prints what came as JSON.
import { EventSource } from 'eventsource';

const ids = [];
let opened = 0;
const es = new EventSource(process.env.STREAM);
es.onopen = () => { opened++; };
es.onmessage = (m) => {
  ids.push(Number(m.lastEventId));
  if (JSON.parse(m.data).is_final) {
    es.close();
    console.log(JSON.stringify({ ids, opened }));
  }
};
es.onerror = (e) => {
  if (es.readyState === EventSource.CLOSED) throw new Error(`closed by ${e.code} ${e.message}`);
};
