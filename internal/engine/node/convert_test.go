package node

import (
	"regexp"
	"strings"
	"testing"
)

func TestHTML(t *testing.T) {
	page := one(`[{"h":"<h1> Hi  there </h1><a href=\"/x\">X</a><a href=\"/y\">Y</a><div class=\"c\">A <b>bold</b><span> no</span></div><input value=\"v\">"}]`)
	runCases(t, "n8n-nodes-base.html", []nodeCase{
		{name: "extract", version: 1.2, inputs: page, want: `[[{"t":"Hi there","links":["/x","/y"],"inner":"A <b>bold</b><span> no</span>","txt":"A bold","v":"v","none":""}]]`,
			params: `{"operation":"extractHtmlContent","dataPropertyName":"h","extractionValues":{"values":[{"key":"t","cssSelector":"h1"},{"key":"links","cssSelector":"a","returnValue":"attribute","attribute":"href","returnArray":true},{"key":"inner","cssSelector":"div.c","returnValue":"html"},{"key":"txt","cssSelector":"div.c","skipSelectors":"span"},{"key":"v","cssSelector":"input","returnValue":"value"},{"key":"none","cssSelector":"h9"}]}}`},
		{name: "template", version: 1.2, inputs: one(`[{"n":"x"}]`), params: `{"html":"<p>{{ $json.n }}</p>"}`, want: `[[{"html":"<p>x</p>"}]]`},
		{name: "table", version: 1.2, inputs: one(`[{"a":1},{"b":"<x>"}]`), params: `{"operation":"convertToHtmlTable"}`,
			want: `[[{"table":"<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td></td></tr><tr><td></td><td>&lt;x&gt;</td></tr></tbody></table>"}]]`},
		{name: "bad selector", version: 1.2, inputs: page, fails: true, params: `{"operation":"extractHtmlContent","dataPropertyName":"h","extractionValues":{"values":[{"key":"t","cssSelector":"[["}]}}`},
		{name: "no such field", version: 1.2, inputs: page, fails: true, params: `{"operation":"extractHtmlContent"}`},
	})
	runCases(t, "n8n-nodes-base.htmlExtract", []nodeCase{
		{name: "older", version: 1, inputs: page, want: `[[{"t":"Hi  there"}]]`, params: `{"dataPropertyName":"h","extractionValues":{"values":[{"key":"t","cssSelector":"h1"}]}}`},
	})
}

func TestMarkdown(t *testing.T) {
	runCases(t, "n8n-nodes-base.markdown", []nodeCase{
		{name: "to Markdown", version: 1, inputs: one(`[{}]`), want: `[[{"data":"# T\n\n* a\n* **b**\n[l](http://x.y)"}]]`,
			params: `{"html":"<h1>T</h1><ul><li>a</li><li><b>b</b></li></ul><a href=\"http://x.y\">l</a>"}`},
		{name: "blocks", version: 1, inputs: one(`[{}]`), want: `[[{"md":"one _two_\n\n> quoted\n\n1. a\n   * b\n2. c\n\n` + "```go\\nx := 1\\n```" + `"}]]`,
			params: `{"destinationKey":"md","html":"<p>one <em>two</em></p><blockquote>quoted</blockquote><ol><li>a<ul><li>b</li></ul></li><li>c</li></ol><pre><code class=\"language-go\">x := 1\n</code></pre><script>no</script>"}`},
		{name: "to HTML", version: 1, inputs: one(`[{"k":1}]`), want: `[[{"k":1,"data":"<h1 id=\"helloworld\">Hello World</h1>\n<p><strong>b</strong> <a href=\"http://x.y\">l</a></p>"}]]`,
			params: `{"mode":"markdownToHtml","markdown":"# Hello World\n\n**b** [l](http://x.y)"}`},
	})
}

func TestXML(t *testing.T) {
	runCases(t, "n8n-nodes-base.xml", []nodeCase{
		{name: "to JSON", version: 1, inputs: one(`[{"data":"<?xml version=\"1.0\"?><r id=\"7\"><i>1</i><i>2</i><n:k xmlns:n=\"u\">t &amp; u</n:k><e/></r>"}]`), params: `{}`,
			want: `[[{"r":{"id":"7","i":["1","2"],"n:k":{"xmlns:n":"u","_":"t & u"},"e":""}}]]`},
		{name: "attributes apart", version: 1, inputs: one(`[{"data":"<r id=\"7\">x</r>"}]`), params: `{"options":{"mergeAttrs":false,"explicitArray":true}}`, want: `[[{"r":{"$":{"id":"7"},"_":"x"}}]]`},
		{name: "to XML", version: 1, inputs: one(`[{"r":{"i":[1,2],"k":{"z":"<q>"}}}]`), params: `{"mode":"jsonToxml","options":{"headless":true}}`,
			want: `[[{"data":"<r>\n  <i>1</i>\n  <i>2</i>\n  <k>\n    <z>&lt;q&gt;</z>\n  </k>\n</r>"}]]`},
		{name: "several keys", version: 1, inputs: one(`[{"a":1,"b":{"$":{"x":"1"},"_":"t"}}]`), params: `{"mode":"jsonToxml","dataPropertyName":"xml"}`,
			want: `[[{"xml":"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<root>\n  <a>1</a>\n  <b x=\"1\">t</b>\n</root>"}]]`},
		{name: "broken", version: 1, inputs: one(`[{"data":"<a><b></a>"}]`), params: `{}`, fails: true},
		{name: "not closed", version: 1, inputs: one(`[{"data":"<a>"}]`), params: `{}`, fails: true},
		{name: "two roots", version: 1, inputs: one(`[{"data":"<a/><b/>"}]`), params: `{}`, fails: true},
		{name: "deep", version: 1, inputs: one(`[{"data":"` + strings.Repeat("<a>", 400) + strings.Repeat("</a>", 400) + `"}]`), params: `{}`, fails: true},
	})
}

func TestCrypto(t *testing.T) {
	in := one(`[{"d":"2024-02-28T22:30:00.000Z"}]`)
	runCases(t, "n8n-nodes-base.crypto", []nodeCase{
		{name: "hash", version: 1, inputs: in, params: `{"value":"={{ $json.d }}","type":"MD5"}`, want: `[[{"d":"2024-02-28T22:30:00.000Z","data":"bf63c6e96e8e878d82eb2fdc57a99703"}]]`},
		{name: "HMAC", version: 1, inputs: in, params: `{"action":"hmac","type":"SHA256","value":"={{ $json.d }}","secret":"k","encoding":"base64","dataPropertyName":"sig"}`,
			want: `[[{"d":"2024-02-28T22:30:00.000Z","sig":"T6ebkT/ZSNPj0kmcMB27/pTtiOvvNYhyHO//sbSevoA="}]]`},
		{name: "no file", version: 1, inputs: in, params: `{"binaryData":true}`, fails: true},
		{name: "no key", version: 1, inputs: in, params: `{"action":"sign","value":"x","privateKey":"zz"}`, fails: true},
		{name: "too long", version: 1, inputs: in, params: `{"action":"generate","encodingType":"hex","stringLength":1e9}`, fails: true},
	})
	for kind, pattern := range map[string]string{"uuid": `^[0-9a-f-]{36}$`, "hex": `^[0-9a-f]{9}$`, "base64": `^[A-Za-z0-9+/]{9}$`, "ascii": `^[ -~]{9}$`} {
		out, err := run(t, nil, "n8n-nodes-base.crypto", 1, `{"action":"generate","encodingType":"`+kind+`","stringLength":9}`, `[{}]`)
		if err != nil {
			t.Fatal(err)
		}
		if got := textOf(out.Main[0][0].JSON.Value("data")); !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("%s: %q", kind, got)
		}
	}
}

func TestDateTime(t *testing.T) {
	in := one(`[{"d":"2024-01-31T22:30:00.000Z"}]`)
	date := func(rest string) string { return `{"date":"={{ $json.d }}","magnitude":"={{ $json.d }}",` + rest + `}` }
	runCases(t, "n8n-nodes-base.dateTime", []nodeCase{
		{name: "now", version: 2, inputs: in, params: `{}`, want: `[[{"currentDate":"2024-03-01T10:00:00.000Z"}]]`},
		{name: "today", version: 2, inputs: in, params: `{"includeTime":false,"options":{"timezone":"Europe/Berlin"}}`, want: `[[{"currentDate":"2024-03-01T00:00:00.000+01:00"}]]`},
		{name: "month later", version: 2, inputs: in, params: date(`"operation":"addToDate","duration":1,"timeUnit":"months"`), want: `[[{"newDate":"2024-02-29T22:30:00.000Z"}]]`},
		{name: "hours ago", version: 2, inputs: in, params: date(`"operation":"subtractFromDate","duration":1.5,"timeUnit":"hours","outputFieldName":"x","options":{"includeInputFields":true}`),
			want: `[[{"d":"2024-01-31T22:30:00.000Z","x":"2024-01-31T21:00:00.000Z"}]]`},
		{name: "rounded", version: 2, inputs: in, params: date(`"operation":"roundDate","toNearest":"week"`), want: `[[{"roundedDate":"2024-01-29T00:00:00.000Z"}]]`},
		{name: "part", version: 2, inputs: in, params: date(`"operation":"extractDate","part":"week"`), want: `[[{"datePart":5}]]`},
		{name: "no date", version: 2, inputs: in, params: `{"operation":"extractDate","date":"soon"}`, fails: true},
		{name: "version 1", version: 1, inputs: in, params: `{"value":"={{ $json.d }}","action":"calculate","duration":2,"timeUnit":"days"}`, want: `[[{"d":"2024-01-31T22:30:00.000Z","data":"2024-02-02T22:30:00.000Z"}]]`},
		{name: "version 1 seconds", version: 1, inputs: in, params: `{"value":"={{ $json.d }}","toFormat":"X"}`, want: `[[{"d":"2024-01-31T22:30:00.000Z","data":1706740200}]]`},
	})
	if got := luxonFormat("dddd, MMMM Do YYYY [at] h:mm A"); got != "cccc, MMMM d yyyy 'at' h:mm a" {
		t.Errorf("luxonFormat = %q", got)
	}
}
