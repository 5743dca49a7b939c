package node

import (
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

const people = `{"name":"Ann","age":31,"tags":["a","b"],"addr":{"city":"Oslo"}}`

func convert(t *testing.T, params string, items ...string) Output {
	t.Helper()
	out, err := runConvert(t.Context(), callFor(t, convertToFile(), 1.1, params, newHTTPHost(), items...))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func content(t *testing.T, item workflow.Item) string {
	t.Helper()
	data, err := binaryContent(item.Binary["data"])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestConvertToFile(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, params, item, want, file string }{
		{"csv", `{}`, people, "\ufeffname,age,tags.0,tags.1,addr.city\nAnn,31,a,b,Oslo", "File.csv text/csv 51 B"},
		{"csv quoted", `{"options":{"delimiter":";","fileName":"x.csv"}}`, `{"a":"1;2","b":"q\"","c":null,"d":true}`, "\ufeffa;b;c;d\n\"1;2\";\"q\"\"\";;TRUE", "x.csv text/csv 28 B"},
		{"csv without header", `{"options":{"headerRow":false}}`, `{"a":1}`, "\ufeff1", "File.csv text/csv 4 B"},
		{"json", `{"operation":"toJson"}`, `{"a":1}`, `[{"a":1}]`, "file.json application/json 9 B"},
		{"json each", `{"operation":"toJson","mode":"each"}`, `{"a":1}`, `{"a":1}`, "file.json application/json 7 B"},
		{"json indented", `{"operation":"toJson","mode":"each","options":{"format":true}}`, `{"a":1}`, "{\n  \"a\": 1\n}", "file.json application/json 12 B"},
		{"text", `{"operation":"toText","sourceProperty":"a.b"}`, `{"a":{"b":"hé"}}`, "hé", "file.txt text/plain 3 B"},
		{"text of an object", `{"operation":"toText","sourceProperty":"a"}`, `{"a":{"b":1}}`, `{"b":1}`, "file.txt text/plain 7 B"},
		{"binary", `{"operation":"toBinary","sourceProperty":"a","options":{"fileName":"p.png"}}`, `{"a":"aGVsbG8="}`, "hello", "p.png image/png 5 B"},
		{"binary of a data address", `{"operation":"toBinary","sourceProperty":"a"}`, `{"a":"data:text/csv;base64,YSxi"}`, "a,b", "file text/csv 3 B"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			item := convert(t, c.params, c.item).Main[0][0]
			if got := content(t, item); got != c.want {
				t.Errorf("content = %q, want %q", got, c.want)
			}
			b := item.Binary["data"]
			if got := b.FileName + " " + b.MimeType + " " + b.FileSize; got != c.file {
				t.Errorf("file = %s, want %s", got, c.file)
			}
		})
	}
}

func TestConvertPairs(t *testing.T) {
	t.Parallel()
	once := convert(t, `{"operation":"html"}`, `{"a":1,"b":"x"}`, `{"a":2,"b":"y"}`).Main[0]
	if len(once) != 1 || len(once[0].Paired.Refs) != 2 || once[0].Binary["data"].FileSize != "403 B" {
		t.Errorf("one file of two items: %+v %+v", once[0].Paired, once[0].Binary["data"])
	}
	each := convert(t, `{"operation":"toJson","mode":"each"}`, `{"a":1}`, `{"a":2}`).Main[0]
	if len(each) != 2 || each[1].Paired.Refs[0].Item != 1 || each[1].JSON.Len() != 0 {
		t.Errorf("a file each: %+v", each)
	}
}

func TestConvertToEvent(t *testing.T) {
	t.Parallel()
	out := convert(t, `{"operation":"iCal","title":"Tea; cake","start":"2030-01-31T09:00:00","end":"2030-01-31T10:00:00Z","additionalFields":{"location":"Oslo\nNorway","attendeesUi":{"attendeeValues":[{"name":"A\r\nX:1","email":"a@b.example"}]}}}`, `{}`)
	text := content(t, out.Main[0][0])
	for _, want := range []string{"DTSTART:20300131T090000Z\r\n", "SUMMARY:Tea\\; cake\r\n", "LOCATION:Oslo\\nNorway\r\n", `CN="AX:1":mailto:a@b.example`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	cal, err := readICS(text)
	if err != nil {
		t.Fatal(err)
	}
	event, _ := cal.Value("events").([]any)[0].(*workflow.Object)
	if event.Value("summary") != "Tea; cake" || event.Value("start").(*workflow.Object).Value("date") != "2030-01-31T09:00:00.000Z" {
		t.Errorf("event = %v", event)
	}
}

func TestConvertFailures(t *testing.T) {
	t.Parallel()
	for _, params := range []string{`{"operation":"ods"}`, `{"operation":"toText","sourceProperty":"x"}`, `{"operation":"toBinary","sourceProperty":"a"}`, `{"operation":"iCal","start":"soon"}`} {
		c := callFor(t, convertToFile(), 1.1, params, newHTTPHost(), `{"a":1}`)
		if _, err := runConvert(t.Context(), c); err == nil {
			t.Errorf("%s: no failure", params)
		}
		c.Node.OnError = workflow.OnErrorContinue
		if out, err := runConvert(t.Context(), c); err != nil || out.Main[0][0].Error == nil {
			t.Errorf("%s: no error item: %v", params, err)
		}
	}
	if len(checkConvert(&workflow.Node{Parameters: workflow.NewObject("operation", "xls")})) != 1 {
		t.Error("an unsupported kind is not found")
	}
}

func TestFilesComeBack(t *testing.T) {
	t.Parallel()
	items := []string{`{"a":1,"b":"x y","c":true}`, `{"a":2.5,"b":"007","d":"é,\"\n"}`}
	cases := map[string]string{
		"xlsx": `[{"a":1,"b":"x y","c":true},{"a":2.5,"b":"007","d":"é,\"\n"}]`,
		"html": `[{"a":1,"b":"x y","c":true},{"a":2.5,"b":"007","d":"é,\"\n"}]`,
		"csv":  `[{"a":"1","b":"x y","c":"TRUE"},{"a":"2.5","b":"007","d":"é,\"\n"}]`,
	}
	for kind, want := range cases {
		file := convert(t, `{"operation":"`+kind+`"}`, items...).Main[0]
		if got := itemsText(t, extract(t, `{"operation":"`+kind+`"}`, file)); got != want {
			t.Errorf("%s: got %s, want %s", kind, got, want)
		}
	}
}

func extract(t *testing.T, params string, in []workflow.Item) []workflow.Item {
	t.Helper()
	c := callFor(t, extractFromFile(), 1, params, newHTTPHost(), `{}`)
	c.Inputs[0] = in
	out, err := runExtract(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return out.Main[0]
}

func fileItemOf(text string) []workflow.Item {
	return []workflow.Item{{JSON: workflow.NewObject("k", 1.0), Binary: map[string]*workflow.Binary{"data": newBinary([]byte(text), "", "f")}}}
}

func TestExtractFromFile(t *testing.T) {
	t.Parallel()
	cases := []struct{ params, file, want string }{
		{`{}`, "a,b\n1,\n\n,2\n", `[{"a":"1"},{"b":"2"}]`},
		{`{"options":{"includeEmptyCells":true,"delimiter":";"}}`, "\xef\xbb\xbfa;b\n1;\n", `[{"a":"1","b":""}]`},
		{`{"options":{"headerRow":false,"maxRowCount":1}}`, "1,2\n3,4", `[{"row":["1","2"]}]`},
		{`{"options":{"fromLine":2}}`, "note\na,b\n1,2", `[{"a":"1","b":"2"}]`},
		{`{"operation":"html"}`, "<table><tr><th>n</th><th>s</th></tr><tr><td>1,200</td><td>x<br>y</td></tr></table>", `[{"n":1200,"s":"x\ny"}]`},
		{`{"operation":"fromJson"}`, `{"a":1}`, `[{"data":{"a":1}}]`},
		{`{"operation":"fromJson","destinationKey":"x.y","options":{"keepSource":"json"}}`, `[1]`, `[{"k":1,"x":{"y":[1]}}]`},
		{`{"operation":"text"}`, "\xef\xbb\xbfhi", `[{"data":"hi"}]`},
		{`{"operation":"text","options":{"encoding":"latin1"}}`, "\xe9", `[{"data":"é"}]`},
		{`{"operation":"xml"}`, "<a/>", `[{"data":"<a/>"}]`},
		{`{"operation":"binaryToPropery"}`, "hello", `[{"data":"aGVsbG8="}]`},
	}
	for _, c := range cases {
		if got := itemsText(t, extract(t, c.params, fileItemOf(c.file))); got != c.want {
			t.Errorf("%s: got %s, want %s", c.params, got, c.want)
		}
	}
}

func TestExtractFailures(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{`{"operation":"xlsx"}`, "not a workbook"}, {`{"operation":"fromJson"}`, "{"}, {`{"operation":"pdf"}`, "x"},
		{`{"operation":"html"}`, "<p>"}, {`{"operation":"fromIcs"}`, "x"}, {`{"options":{"delimiter":"ab"}}`, "x"},
		{`{"binaryPropertyName":"none"}`, "x"}, {`{}`, "a,b\n\"1,2"},
	} {
		call := callFor(t, extractFromFile(), 1, c[0], newHTTPHost(), `{}`)
		call.Inputs[0] = fileItemOf(c[1])
		if _, err := runExtract(t.Context(), call); err == nil {
			t.Errorf("%s: no failure", c[0])
		}
	}
}

func TestLocalFilesAreRefused(t *testing.T) {
	t.Parallel()
	reg := NewRegistry(All(), RegistryOptions{})
	for _, name := range []string{"n8n-nodes-base.readWriteFile", "n8n-nodes-base.readBinaryFile", "n8n-nodes-base.writeBinaryFile"} {
		if reg.Lookup(name) != nil || LocalFileHint(name) == "" {
			t.Errorf("%s is not refused with a reason", name)
		}
	}
	if LocalFileHint(httpRequestName) != "" {
		t.Error("another type is refused")
	}
}

func TestFileSizeText(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 B", 999: "999 B", 1000: "1 kB", 1234: "1.23 kB", 12345: "12.3 kB", 123456: "123 kB", 1500000: "1.5 MB"} {
		if got := fileSizeText(n); got != want {
			t.Errorf("fileSizeText(%d) = %s, want %s", n, got, want)
		}
	}
}
