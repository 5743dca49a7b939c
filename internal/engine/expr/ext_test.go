package expr

import (
	"os"
	"regexp"
	"testing"
)

func TestTextMethods(t *testing.T) {
	checkRules(t, []rule{
		{`={{ "".isEmpty() }}{{ "a".isEmpty() }}{{ "a".isNotEmpty() }}`, `"truefalsetrue"`},
		{`={{ $json.missing.isEmpty() }}{{ null.isNotEmpty() }}`, `"truefalse"`},
		{`={{ $json.missing?.isEmpty() }}`, `undefined`},
		{`={{ $json.o?.x.isEmpty() }}`, `false`},
		{`={{ $json.o?.x.keys().first() }}`, `"y"`},
		{`={{ $json.missing?.x.isEmpty().toString() }}`, `undefined`},
		{`={{ $json.missing.toNumber() }}`, `undefined`},
		{`={{ "héllo".base64Encode() }}`, `"aMOpbGxv"`},
		{`={{ "aMOpbGxv".base64Decode() }}`, `"héllo"`},
		{`={{ "http://n8n.io/workflows".extractDomain() }}`, `"n8n.io"`},
		{`={{ "me@example.com".extractDomain() }}`, `"example.com"`},
		{`={{ "a@b.co text".extractEmail() }}`, `"a@b.co"`},
		{`={{ "none".extractEmail() }}`, `undefined`},
		{`={{ "see https://a.b/c?d=1, now".extractUrl() }}`, `"https://a.b/c?d=1"`},
		{`={{ "http://n8n.io/workflows".extractUrlPath() }}`, `"/workflows"`},
		{`={{ "hello".hash() }}`, `"5d41402abc4b2a76b9719d911017c592"`},
		{`={{ "hello".hash("sha256") }}`, `"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"`},
		{`={{ "hello".hash("sha1") }}`, `"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"`},
		{`={{ "hello".hash("ripemd160") }}`, `"108f07b8382412612c048d07d13f814118445acd"`},
		{`={{ "hello".hash("nope") }}`, `!extension`},
		{`={{ "a.co".isDomain() }}{{ "a".isDomain() }}`, `"truefalse"`},
		{`={{ "a@b.co".isEmail() }}{{ "a@b".isEmail() }}`, `"truefalse"`},
		{`={{ "12.5".isNumeric() }}{{ "12x".isNumeric() }}{{ "".isNumeric() }}`, `"truefalsefalse"`},
		{`={{ "https://a.co/x".isUrl() }}{{ "a.co".isUrl() }}`, `"truefalse"`},
		{`={{ '{"a":1}'.parseJson() }}`, `{"a":1}`},
		{`={{ "{a".parseJson() }}`, `!extension`},
		{`={{ 'say "hi"'.quote() }}`, `"\"say \\\"hi\\\"\""`},
		{`={{ "**bold** [link](http://x) # no".removeMarkdown() }}`, `"bold link # no"`},
		{`={{ "# Title".removeMarkdown() }}`, `"Title"`},
		{`={{ "<b>x</b> y".removeTags() }}`, `"x y"`},
		{`={{ "déjà ß œuf".replaceSpecialChars() }}`, `"deja ss oeuf"`},
		{`={{ ["", "0", "false", "No", "yes", "x"].map(s => s.toBoolean()) }}`, `[false,false,false,false,true,true]`},
		{`={{ "12".toNumber() + 1 }}`, `13`},
		{`={{ "12px".toNumber() }}`, `!extension`},
		{`=x {{ "12px".toNumber() }}`, `!extension`},
		{`={{ "3.7".toInt() }}`, `3`},
		{`={{ "ff".toInt(16) }}`, `255`},
		{`={{ "3.7".toFloat() }}`, `3.7`},
		{`={{ "abc".toInt() }}`, `!extension`},
		{`={{ "quick! brown FOX".toSentenceCase() }}`, `"Quick! brown fox"`},
		{`={{ "quick brown $FOX".toSnakeCase() }}`, `"quick_brown_fox"`},
		{`={{ "quick a brown FOX".toTitleCase() }}`, `"Quick a Brown Fox"`},
		{`={{ "name=Nathan Automat".urlEncode() }}`, `"name%3DNathan%20Automat"`},
		{`={{ "a%20b".urlDecode() }}`, `"a b"`},
		{`={{ "x".toJsonString() }}`, `"\"x\""`},
		{`={{ "2024-01-31".toDateTime().plus({months:1}).toFormat("yyyy-LL-dd") }}`, `"2024-02-29"`},
		{`={{ "31.01.2024".toDateTime("dd.MM.yyyy").toISODate() }}`, `"2024-01-31"`},
		{`={{ "nonsense".toDateTime() }}`, `!extension`},
		{`={{ "1709647629".toDateTime("s").toISO() }}`, `"2024-03-05T15:07:09.000+01:00"`},
		{`={{ true.toNumber() + false.toInt() }}`, `1`},
		{`={{ true.isEmpty() }}`, `false`},
	})
}

func TestNumberMethods(t *testing.T) {
	checkRules(t, []rule{
		{`={{ (5.678).round(1) }}`, `5.7`},
		{`={{ (1.005).round(2) }}`, `1.01`},
		{`={{ (-2.5).round() }}`, `-2`},
		{`={{ (5.2).ceil() }}{{ (5.8).floor() }}{{ (-3).abs() }}`, `"653"`},
		{`={{ (4).isEven() }}{{ (4).isOdd() }}{{ (4).isInteger() }}{{ (4.5).isInteger() }}`, `"truefalsetruefalse"`},
		{`={{ (4.5).isEven() }}`, `!extension`},
		{`={{ (1234567.891).format() }}`, `"1,234,567.891"`},
		{`={{ (1234567.891).format("de-DE") }}`, `"1.234.567,891"`},
		{`={{ (1).toBoolean() }}{{ (0).toBoolean() }}`, `"truefalse"`},
		{`={{ (0).isEmpty() }}`, `false`},
		{`={{ (1709647629123).toDateTime().toISO() }}`, `"2024-03-05T15:07:09.123+01:00"`},
		{`={{ (1709647629).toDateTime("s").toISO() }}`, `"2024-03-05T15:07:09.000+01:00"`},
		{`={{ (45356).toDateTime("excel") }}`, `"2024-03-05T00:00:00.000Z"`},
		{`={{ Math.round(2.5) }}`, `3`},
	})
}

func TestListMethods(t *testing.T) {
	checkRules(t, []rule{
		{`={{ [1,2,2,"2"].unique() }}`, `[1,2,"2"]`},
		{`={{ [{a:1},{a:1},{a:2}].removeDuplicates() }}`, `[{"a":1},{"a":2}]`},
		{`={{ $json.list.unique("a") }}`, `[{"a":1,"k":"x"},{"a":2,"k":"y"}]`},
		{`={{ [{a:1},{a:2}].pluck("a") }}`, `[1,2]`},
		{`={{ [{a:1,b:2,c:3}].pluck("a","b") }}`, `[{"a":1,"b":2}]`},
		{`={{ [1,2,3].sum() }}`, `6`},
		{`={{ numberList(1, 3) }}`, `[1,2,3]`},
		{`={{ numberList(2, 0) }}`, `[2,1,0]`},
		{`={{ numberList(1, 1e9) }}`, `!memory`},
		{`={{ zip(["a","b"], [1,2]) }}`, `{"a":1,"b":2}`},
		{`={{ zip(["a"], [1,2]) }}`, `!extension`},
		{`={{ [1,'3'].sum() }}`, `!extension`},
		{`={{ [].sum() }}`, `0`},
		{`={{ [1,2,3].average() }}`, `2`},
		{`={{ [3,1,2].max() }}{{ [3,1,2].min() }}`, `"31"`},
		{`={{ [1,2,3].first() }}{{ [1,2,3].last() }}`, `"13"`},
		{`={{ [1,2,3,4,5].chunk(2) }}`, `[[1,2],[3,4],[5]]`},
		{`={{ [1].chunk(0) }}`, `!extension`},
		{`={{ [2,null,1,"",undefined].compact() }}`, `[2,1]`},
		{`={{ [1,2].append(3,4) }}`, `[1,2,3,4]`},
		{`={{ [1,2,3].difference([2]) }}`, `[1,3]`},
		{`={{ [1,2,3].intersection([2,5]) }}`, `[2]`},
		{`={{ [1,2].union([2,3]) }}`, `[1,2,3]`},
		{`={{ [1].union("x") }}`, `!extension`},
		{`={{ [{a:1},{b:2}].merge() }}`, `{"a":1,"b":2}`},
		{`={{ [{a:1}].merge([{b:2}]) }}`, `[{"b":2,"a":1}]`},
		{`={{ [{a:1}].renameKeys("a","z") }}`, `[{"z":1}]`},
		{`={{ [{f:"age",v:2}].smartJoin("f","v") }}`, `{"age":2}`},
		{`={{ [1,2].includes([1,2].randomItem()) }}`, `true`},
		{`={{ [].isEmpty() }}{{ [1].isNotEmpty() }}`, `"truetrue"`},
		{`={{ [1,{a:2}].toJsonString() }}`, `"[1,{\"a\":2}]"`},
		{`={{ [...[1,2].keys()] }}`, `[0,1]`},
		{`={{ $json.o.keys() }}`, `["x"]`},
		{`={{ $json.o.toJsonString() }}`, `"{\"x\":{\"y\":1}}"`},
		{`={{ ({a:1}).values() }}`, `[1]`},
		{`={{ ({a:1}).hasField("a") }}{{ ({}).hasField("a") }}`, `"truefalse"`},
		{`={{ ({a:1}).merge({a:2,b:3}) }}`, `{"a":1,"b":3}`},
		{`={{ ({a:1,b:2}).removeField("a") }}`, `{"b":2}`},
		{`={{ ({a:"xy",b:"z"}).keepFieldsContaining("x") }}`, `{"a":"xy"}`},
		{`={{ ({a:"xy",b:"z"}).removeFieldsContaining("x") }}`, `{"b":"z"}`},
		{`={{ ({a:null,b:"",c:1}).compact() }}`, `{"c":1}`},
		{`={{ ({name:'Mr N',city:'h'}).urlEncode() }}`, `"name=Mr+N&city=h"`},
		{`={{ ({}).isEmpty() }}{{ ({a:1}).isEmpty() }}`, `"truefalse"`},
		{`={{ ({first() { return "own" } }).first() }}`, `"own"`},
		{`={{ new Map([[1,2]]).keys().next().value }}`, `1`},
	})
}

func TestDateMethods(t *testing.T) {
	checkRules(t, []rule{
		{`={{ $now.format("dd.MM.yyyy") }}`, `"05.03.2024"`},
		{`={{ new Date(0).format("yyyy") }}`, `"1970"`},
		{`={{ $now.plus(1, "days").toISODate() }}`, `"2024-03-06"`},
		{`={{ $now.minus(1, "month").toISODate() }}`, `"2024-02-05"`},
		{`={{ $now.plus({hours: 10}).toISODate() }}`, `"2024-03-06"`},
		{`={{ new Date(0).plus(1, "day") }}`, `"1970-01-02T00:00:00.000Z"`},
		{`={{ $now.beginningOf("month").toISODate() }}`, `"2024-03-01"`},
		{`={{ $now.endOfMonth().toISODate() }}`, `"2024-03-31"`},
		{`={{ $now.extract("week") }}{{ $now.extract("month") }}{{ $now.extract("year") }}`, `"1032024"`},
		{`={{ $now.isWeekend() }}`, `false`},
		{`={{ $now.isDst() }}`, `false`},
		{`={{ $now.isBetween("2024-03-01", "2024-04-01") }}`, `true`},
		{`={{ $now.minus(5, "minutes").isInLast(10, "minutes") }}`, `true`},
		{`={{ "2025-01-01".toDateTime().diffTo("2024-12-30", "days") }}`, `2`},
		{`={{ DateTime.fromISO("2024-03-01").diff(DateTime.fromISO("2024-02-01"),"days").days }}`, `29`},
		{`={{ $now.toLocaleString(DateTime.DATE_FULL) }}`, `"March 5, 2024"`},
		{`={{ $now.setLocale("de").toLocaleString(DateTime.DATE_HUGE) }}`, `"Dienstag, 5. März 2024"`},
		{`={{ $now.setLocale("fr").toFormat("cccc d LLLL yyyy") }}`, `"mardi 5 mars 2024"`},
		{`={{ $now.toFormat("EEE, MMM d yyyy h:mm a ZZZZ") }}`, `"Tue, Mar 5 2024 3:07 PM GMT+1"`},
		{`={{ $now.setZone("America/New_York").toISO() }}`, `"2024-03-05T09:07:09.123-05:00"`},
		{`={{ $now.setZone("Nowhere/City").isValid }}`, `false`},
		{`={{ DateTime.fromFormat("5 März 2024", "d MMMM yyyy", {locale: "de"}).toISODate() }}`, `"2024-03-05"`},
		{`={{ $now.toRelative({base: $now.plus({days: 2})}) }}`, `"2 days ago"`},
		{`={{ Duration.fromObject({hours: 3, minutes: 2}).toHuman() }}`, `"3 hours, 2 minutes"`},
		{`={{ Interval.fromDateTimes($today, $today.plus({days: 2})).length("days") }}`, `2`},
		{`={{ DateTime.local(2024, 7, 1).offset }}`, `120`},
		{`={{ DateTime.fromISO("2024-03-31T02:30:00").toISO() }}`, `"2024-03-31T03:30:00.000+02:00"`},
		{`={{ (1234.5).toLocaleString() }}`, `"1,234.5"`},
		{`={{ new Date(0).toLocaleDateString("de-DE", {timeZone: "UTC"}) }}`, `"1.1.1970"`},
		{`={{ new Date(0).toLocaleString("en-US", {timeZone: "UTC"}) }}`, "\"1/1/1970, 12:00:00\u202fAM\""},
		{`={{ new Date(0).toLocaleDateString("en-GB", {weekday:"long", day:"numeric", month:"long", year:"numeric", timeZone:"UTC"}) }}`, `"Thursday, 1 January 1970"`},
		{`={{ (1234.5).toLocaleString("de-DE", {style:"currency", currency:"EUR"}) }}`, "\"1.234,50\u00a0€\""},
		{`={{ (-1234.5).toLocaleString("en-US", {style:"currency", currency:"USD"}) }}`, `"-$1,234.50"`},
		{`={{ (0.256).toLocaleString("en-US", {style:"percent", maximumFractionDigits: 1}) }}`, `"25.6%"`},
		{`={{ Intl.DateTimeFormat("en-US", {timeZone:"Asia/Tokyo", hour:"2-digit", minute:"2-digit", hour12:false}).format(new Date(0)) }}`, `"09:00"`},
		{`={{ Intl.DateTimeFormat().resolvedOptions().locale }}`, `"en-US"`},
		{`={{ ["b","a","ä"].sort((x, y) => x.localeCompare(y)) }}`, `["a","ä","b"]`},
	})
}

// TestMethodsAreListed holds the list of names to what the sources define.
func TestMethodsAreListed(t *testing.T) {
	name := regexp.MustCompile(`(?m)^ {4}(\w+)(?::|\(|,$)`)
	defined := map[string]bool{}
	for _, f := range extensionFiles {
		src, err := os.ReadFile("js/" + f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range name.FindAllStringSubmatch(string(src), -1) {
			defined[m[1]] = true
		}
	}
	for n := range extensionNames {
		if !defined[n] && n != "toDate" {
			t.Errorf("%s is listed but not defined", n)
		}
	}
}
