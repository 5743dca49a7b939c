import { javascript } from '@codemirror/lang-javascript';
import { json } from '@codemirror/lang-json';
import { Annotation, EditorState, Prec } from '@codemirror/state';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { tags } from '@lezer/highlight';
import { keymap } from '@codemirror/view';
import { EditorView, basicSetup } from 'codemirror';
import { useEffect, useRef } from 'react';
import type { CodeProps } from './code';

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.bool, tags.null], color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--code-string)' },
  { tag: [tags.number], color: 'var(--code-number)' },
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--code-name)' },
  { tag: [tags.comment], color: 'var(--muted)', fontStyle: 'italic' },
]);

/** Marks a change that came from outside: nobody has to be told of it. */
const given = Annotation.define<boolean>();

const languages = { json, javascript, text: () => [] };

export default function CodeMirror({ value, onChange, language, label, rows = 8 }: CodeProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
    const v = new EditorView({
      parent: place.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          Prec.highest(keymap.of([{ key: 'Mod-Enter', run: () => true }])), // the page's
          basicSetup,
          languages[language](),
          syntaxHighlighting(colours),
          EditorView.cspNonce.of(nonce),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': label }),
          EditorView.theme({ '&': { minHeight: `${rows * 1.5}em` } }),
          EditorView.updateListener.of((u) => {
            if (u.docChanged && !u.transactions.some((x) => x.annotation(given))) latest.current(u.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = v;
    return () => v.destroy();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the editor keeps its own text
  }, [language, label, rows]);
  useEffect(() => {
    const v = view.current;
    if (v && v.state.doc.toString() !== value) v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: value }, annotations: given.of(true) });
  }, [value]);
  return <div ref={place} className="codemirror" />;
}
