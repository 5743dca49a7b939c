package planner

import (
	"fmt"
	"strconv"
	"strings"
)

func (b *builder) set(from []end, pairs []pair) []end {
	list := []any{}
	var fields []string
	for i, q := range pairs {
		kind := "string"
		switch q.value.(type) {
		case float64:
			kind = "number"
		case bool:
			kind = "boolean"
		}
		if q.code != "" && lazily(` [*/-] |Number\(`).MatchString(q.code) && !strings.Contains(q.code, `"`) {
			kind = "number"
		} else if q.code != "" && strings.Contains(q.code, " + ") && !strings.ContainsAny(q.code, `"'`) {
			kind = "number"
		}
		v := b.value(q)
		if f, ok := q.value.(string); ok {
			v = b.text(f)
		}
		list = append(list, obj("id", "a"+strconv.Itoa(i+1), "name", q.name, "value", v, "type", kind))
		fields = append(fields, q.name)
	}
	for _, f := range fields {
		head, _, _ := strings.Cut(f, ".")
		b.at.known[head] = true
	}
	return only(b.add(from, "set", b.r.pick("Set ", "设置 ")+strings.Join(fields, ", "),
		obj("assignments", obj("assignments", list), "includeOtherFields", true, "options", obj())))
}

func (b *builder) fields(from []end, s *step) []end {
	if s.kind == "drop" {
		return only(b.add(from, "set", b.r.pick("Remove ", "移除 ")+strings.Join(s.fields, ", "),
			obj("assignments", obj("assignments", []any{}), "includeOtherFields", true, "include", "except", "excludeFields", b.paths(s.fields), "options", obj())))
	}
	list := []any{}
	for i, f := range s.fields {
		list = append(list, obj("id", "a"+strconv.Itoa(i+1), "name", f, "value", "={{ "+b.at.ref(f)+" }}", "type", "any"))
	}
	name := b.r.pick("Keep ", "保留 ") + strings.Join(s.fields, ", ")
	if b.at.prefix != "" { // the fields move to the top
		for _, o := range list {
			o.(*object).Set("type", "string")
		}
		n := b.add(from, "set", name, obj("assignments", obj("assignments", list), "options", obj()))
		b.fresh()
		for _, f := range s.fields {
			b.at.known[f] = true
		}
		return only(n)
	}
	return only(b.add(from, "set", name, obj("assignments", obj("assignments", []any{}), "includeOtherFields", true, "include", "selected",
		"includeFields", strings.Join(s.fields, ", "), "options", obj())))
}

func (b *builder) rename(from []end, s *step) []end {
	list := []any{}
	var names []string
	for _, q := range s.pairs {
		to := fmt.Sprint(q.value)
		old := b.at.path(q.name)
		if i := strings.LastIndexByte(old, '.'); i >= 0 && !strings.Contains(to, ".") {
			to = old[:i+1] + to
		}
		list = append(list, obj("currentKey", old, "newKey", to))
		names = append(names, q.name)
		if b.at.known[q.name] {
			delete(b.at.known, q.name)
			b.at.known[fmt.Sprint(q.value)] = true
		}
	}
	return only(b.add(from, "renameKeys", b.r.pick("Rename ", "重命名 ")+strings.Join(names, ", "), obj("keys", obj("key", list), "additionalOptions", obj())))
}

func (b *builder) sort(from []end, s *step) []end {
	if s.order == "random" {
		return only(b.add(from, "sort", b.r.pick("Shuffle", "随机排序"), obj("type", "random", "options", obj())))
	}
	pairs := s.pairs
	for _, f := range s.fields {
		pairs = append(pairs, pair{name: f, value: s.order})
	}
	list := []any{}
	var names []string
	for _, q := range pairs {
		list = append(list, obj("fieldName", b.at.path(q.name), "order", q.value))
		names = append(names, q.name)
	}
	n := b.add(from, "sort", b.r.pick("Sort by ", "排序：")+strings.Join(names, ", "), obj("sortFieldsUi", obj("sortField", list), "options", obj()))
	if s.kind == "top" {
		return b.limit(only(n), &step{n: s.n})
	}
	return only(n)
}

func (b *builder) limit(from []end, s *step) []end {
	params := obj("maxItems", s.n)
	name := b.r.pick("First ", "前 ")
	if s.last {
		params.Set("keep", "lastItems")
		name = b.r.pick("Last ", "后 ")
	}
	return only(b.add(from, "limit", name+strconv.Itoa(int(s.n))+b.r.pick("", " 条"), params))
}

func (b *builder) summarize(from []end, s *step) []end {
	list := []any{}
	var names []string
	for _, q := range s.pairs {
		f := q.name
		if f == "" {
			if len(s.by) > 0 {
				f = s.by[0]
			} else {
				f = b.r.pick("count", "数量")
			}
		}
		agg := fmt.Sprint(q.value)
		o := obj("aggregation", agg, "field", b.at.path(f))
		if agg == "count" {
			if len(s.by) == 0 && q.name == "" { // counts the items themselves
				return b.count(from)
			}
			o.Set("includeEmpty", true)
		}
		list = append(list, o)
		names = append(names, agg+" "+f)
	}
	params := obj("fieldsToSummarize", obj("values", list), "options", obj("continueIfFieldNotFound", true))
	name := strings.Join(names, ", ")
	if len(s.by) > 0 {
		params.Set("fieldsToSplitBy", b.paths(s.by))
		name += b.r.pick(" by ", " 按 ") + strings.Join(s.by, ", ")
	}
	n := b.add(from, "summarize", name, params)
	b.fresh()
	for _, f := range s.by {
		b.at.known[f] = true
	}
	b.at.figure = strings.ReplaceAll(names[0], " ", "_")
	return only(n)
}

// count counts items: each gets a mark, the marks are counted.
func (b *builder) count(from []end) []end {
	from = b.set(from, []pair{{name: "item", value: 1.0}})
	n := b.add(from, "summarize", b.r.pick("Count items", "统计数量"), obj("fieldsToSummarize", obj("values", []any{obj("aggregation", "count", "field", "item")}), "options", obj()))
	b.fresh()
	return only(n)
}

func (b *builder) aggregate(from []end, s *step) []end {
	params := obj("aggregate", "aggregateAllItemData", "options", obj())
	name := b.r.pick("All items in one", "合并为一条")
	known := map[string]bool{"data": true}
	if !s.all {
		list := []any{}
		known = map[string]bool{}
		for _, f := range s.fields {
			list = append(list, obj("fieldToAggregate", b.at.path(f)))
			known[f] = true
		}
		params = obj("fieldsToAggregate", obj("fieldToAggregate", list), "options", obj())
		name = b.r.pick("List of ", "收集 ") + strings.Join(s.fields, ", ")
	}
	n := b.add(from, "aggregate", name, params)
	b.at = scope{known: known}
	return only(n)
}

func (b *builder) html(from []end, s *step) []end {
	if s.url != "" {
		from = b.fetch(from, &step{kind: "fetch", url: s.url, about: s.about})
	}
	values := []any{}
	for _, q := range s.pairs {
		o := obj("key", q.name, "cssSelector", q.value)
		lower := strings.ToLower(q.name)
		if q.value == "a" || q.value == "img" {
			o = obj("key", q.name, "cssSelector", q.value, "returnValue", "attribute", "attribute", map[any]string{"a": "href", "img": "src"}[q.value])
		}
		if strings.HasSuffix(lower, "s") && singular(lower) != lower {
			o.Set("returnArray", true)
		}
		values = append(values, o)
	}
	n := b.add(from, "html", b.r.pick("Read the page", "解析网页"), obj("operation", "extractHtmlContent", "dataPropertyName", "data", "extractionValues", obj("values", values), "options", obj()))
	b.fresh()
	return only(n)
}

func (b *builder) date(from []end, s *step) []end {
	f := s.fields[0]
	if s.what == "formatDate" {
		b.at.known[f] = true
		p := obj("operation", "formatDate", "date", "={{ "+b.refBefore(f)+" }}", "format", "custom", "customFormat", s.text, "outputFieldName", f, "options", obj("includeInputFields", true))
		return only(b.add(from, "dateTime", b.r.pick("Format ", "格式化 ")+f, p))
	}
	p := obj("operation", s.what, "magnitude", "={{ "+b.at.ref(f)+" }}", "duration", s.n, "timeUnit", s.unit, "outputFieldName", f, "options", obj("includeInputFields", true))
	return only(b.add(from, "dateTime", b.r.pick("Shift ", "调整 ")+f, p))
}
