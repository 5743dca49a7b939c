package planner

import (
	"strconv"
	"strings"
)

const (
	fetchZh = `(?:获取|抓取|请求|调用|读取|下载|拉取|访问|查询|取得|得到|拿到|爬取|检查|GET|取|打开|监控|看看|从)`
	sendZh  = `(?:发送|发给|发到|发往|发|推送|推|提交|转发|上传|写入|保存|存到|存入|存|通知|传给|传到|POST|PUT|PATCH|告诉|同步|交给|送到|上报|汇报)`
	itemsZh = `(?:数据|结果|订单|用户|记录|条目|项目?|内容|商品|产品|客户|消息|列表|文章|条|它们?|这些|全部|所有|每条|每个|元素|信息|单|行|任务|事件|员工|学生|评论|帖子|邮件|文件|发票|工单)`
)

var chineseActions = []action{
	act(`«c\d+»`, readCode),
	act(`(?:审批|审核|批准|人工确认|经理确认|确认后|征得.*同意|等.*(?:同意|批准|确认))`, func(r *reading, _ []string, s string) (step, bool) {
		if lazily(`^(?:审批|审核)?(?:通过|被?拒绝|不通过|失败)`).MatchString(s) {
			return step{}, false
		}
		return step{kind: "approval", text: r.first("q", s)}, true
	}),
	act(`^(?:返回|响应|回复|应答|答复|回应|回(?:一个|个)?)(.*)$`, func(r *reading, m []string, s string) (step, bool) {
		if r.first("e", s) != "" || lazily(`^\s*(?:前|最后|后|最新的?)\s*(?:\d|[一二两三四五六七八九十])`).MatchString(m[1]) {
			return step{}, false
		}
		st := step{kind: "respond", what: "item"}
		if mm := reStatus.FindStringSubmatch(reToken.ReplaceAllString(m[1], "")); mm != nil {
			st.status, _ = strconv.Atoi(mm[1])
		}
		r.answer(&st, m[1])
		return st, true
	}),
	act(`(?:把|将)?.*(?:返回|回复|响应)给(?:调用者|调用方|客户端|对方|请求方)`, func(_ *reading, _ []string, s string) (step, bool) {
		st := step{kind: "respond", what: "item"}
		if lazily(`所有|全部|列表`).MatchString(s) {
			st.what = "all"
		}
		return st, true
	}),
	act(`(?:停止|终止|中止)?(?:并)?(?:报错|抛出(?:错误|异常)?|失败)(.*)$`, func(r *reading, m []string, s string) (step, bool) {
		text := r.first("q", s)
		if text == "" {
			text = strings.Trim(lazily(`^(?:信息|消息|错误|内容|为|是|：|:|，)+`).ReplaceAllString(m[1], ""), " ：:，")
		}
		if text == "" {
			text = "工作流已停止"
		}
		return step{kind: "stop", text: text}, true
	}),
	act(`^(?:什么(?:都|也)不(?:做|用做)|不(?:做任何|处理|做处理|管|用管|做|理会)(?:处理|事|操作)?|忽略(?:它们?|掉?)?|跳过|结束|停止|终止|丢弃)$`, func(*reading, []string, string) (step, bool) { return step{kind: "noop"}, true }),
	act(`(?:等待?|暂停|延迟|延时|休眠|停顿|停)(?:一下)?\s*(半|\d+(?:\.\d+)?|[一二两三四五六七八九十]+)\s*(秒钟?|分钟?|个?小时|个?钟头|天|周|个?星期)|^(\d+|[一二两三四五六七八九十]+)\s*(秒钟?|分钟?|个?小时|天)(?:后|之后|以后)`, func(_ *reading, m []string, _ string) (step, bool) {
		unit := waitUnit(m[2] + m[4])
		n, err := strconv.ParseFloat(m[1]+m[3], 64)
		if err != nil {
			k, _ := number(m[1] + m[3])
			n = float64(k)
			if m[1] == "半" {
				n, unit = 30, map[string]string{"minutes": "seconds", "hours": "minutes", "days": "minutes"}[unit]
				if strings.HasPrefix(m[2], "天") {
					n, unit = 12, "hours"
				}
			}
		}
		if strings.Contains(m[2], "周") || strings.Contains(m[2], "星期") {
			n *= 7
		}
		return step{kind: "wait", n: n, unit: unit}, true
	}),
	act(`^(?:等待?|暂停)(.*)$`, func(_ *reading, m []string, _ string) (step, bool) {
		if d := lazily(`(\d{4})[-年/](\d{1,2})[-月/](\d{1,2})日?`).FindStringSubmatch(m[1]); d != nil {
			mo, _ := strconv.Atoi(d[2])
			da, _ := strconv.Atoi(d[3])
			return step{kind: "wait", until: d[1] + "-" + twoDigits(mo) + "-" + twoDigits(da)}, true
		}
		if lazily(`(?i)回调|调用|webhook|信号`).MatchString(m[1]) {
			return step{kind: "wait", what: "webhook"}, true
		}
		return step{kind: "wait", slot: "wait"}, true
	}),
	act(`(?:去重|去除重复|删除重复|去掉重复|移除重复|重复的?(?:数据|记录|项)?(?:去掉|删除|移除|去除)|不重复|剔除重复|唯一)(.*)$`, func(r *reading, _ []string, s string) (step, bool) {
		st := step{kind: "dedupe"}
		if m := lazily(`(?:按照?|根据|依据|以|基于|通过)\s*(?:字段)?\s*(.+?)\s*(?:字段)?(?:来|进行|为准)?\s*(?:去重|去除|删除|去掉|移除|剔除|，|对|,)`).FindStringSubmatch(s); m != nil {
			st.fields = r.fieldNames(m[1])
		} else if m := lazily(`(?:去除|删除|去掉|移除|剔除|保留)?重复的?\s*([\p{L}\p{N}_.]+?)(?:的(?:数据|记录|条目|项|订单|用户))?$`).FindStringSubmatch(s); m != nil && !lazily(`^`+itemsZh+`+$`).MatchString(m[1]) {
			st.fields = r.fieldNames(m[1])
		} else if m := lazily(`([\p{L}\p{N}_.]+?)重复的`).FindStringSubmatch(s); m != nil {
			st.fields = r.fieldNames(m[1])
		}
		return st, true
	}),
	act(`排序|排列|排个序|(?:升序|降序|倒序)`, func(r *reading, _ []string, s string) (step, bool) {
		st := step{kind: "sort", order: "ascending"}
		if strings.Contains(s, "随机") {
			st.order = "random"
			return st, true
		}
		if reDescending.MatchString(s) {
			st.order = "descending"
		}
		if m := lazily(`(?:按照?|根据|依据?|以|对)\s*(?:字段)?\s*(.+?)\s*(?:字段|的?(?:大小|高低|多少|先后|顺序|值))?(?:来|进行|从|由|，|,|\s)*(?:升序|降序|倒序|正序|逆序|从|由|递|排|随机|字母)`).FindStringSubmatch(s); m != nil {
			for _, f := range r.fieldNames(m[1]) {
				st.pairs = append(st.pairs, pair{name: f, value: st.order})
			}
		}
		if len(st.pairs) == 0 {
			st.slot = "sort"
		}
		return st, true
	}),
	act(`(?:只|仅)?(?:取|保留|留下?|要|返回|选|拿|截取|限制(?:为|在|到)?)?\s*(?:(.+?)(?:最(高|大|多|低|小|少|新|早|贵|便宜)的?))?\s*(前|后|最后|最新的?|头|最早的?|第一|最后一)\s*(\d+|[一二两三四五六七八九十]+)?\s*(?:个|条|项|名|笔|位|份|行|篇)`, func(r *reading, m []string, s string) (step, bool) {
		n, ok := number(m[4])
		if !ok {
			n = 1
		}
		st := step{kind: "limit", n: float64(n), last: strings.HasPrefix(m[3], "后") || strings.HasPrefix(m[3], "最后")}
		if strings.HasPrefix(m[3], "最新") || strings.HasPrefix(m[3], "最早") {
			st.kind, st.order, st.slot = "top", map[bool]string{true: "descending", false: "ascending"}[strings.HasPrefix(m[3], "最新")], "sort"
		}
		if m[2] != "" {
			field := lazily(`^(?:只|仅)?(?:取|保留|留下?|要|返回|选|拿)+`).ReplaceAllString(m[1], "")
			if f := r.fieldName(field); f != "" {
				st.kind, st.fields, st.order = "top", []string{f}, zhOrder(m[2])
				st.slot = ""
			}
		}
		return st, true
	}),
	act(`(?:取|保留|留下?|选出?|挑出|返回)?\s*(.+?)最(高|大|多|低|小|少|新|早|贵|便宜)的\s*(?:前)?(\d+|[一二两三四五六七八九十]+)?\s*(?:个|条|项|名|笔|位|份|行|篇)`, func(r *reading, m []string, s string) (step, bool) {
		n, ok := number(m[3])
		if !ok {
			n = 1
		}
		f := r.fieldName(lazily(`^(?:只|仅)?(?:取|保留|留下?|要|返回|选出?|挑出|拿)+`).ReplaceAllString(m[1], ""))
		return step{kind: "top", n: float64(n), fields: []string{f}, order: zhOrder(m[2])}, f != ""
	}),
	act(`(?:只|最多)(?:取|保留|要|返回|留|选|拿)?\s*(\d+|[一二两三四五六七八九十]+)\s*(?:个|条|项|名|笔|位|份|行)|限制(?:为|在|到|数量为?)?\s*(\d+)|取\s*(\d+|[一二两三四五六七八九十]+)\s*(?:个|条|项|笔)`, func(_ *reading, m []string, _ string) (step, bool) {
		n, ok := number(m[1] + m[2] + m[3])
		return step{kind: "limit", n: float64(n)}, ok
	}),
	act(`(?:统计|计算|求(?:和|出|平均|总|最|.*(?:之和|总和|平均))|算出?|汇总|合计|累加|分组)`, func(r *reading, _ []string, s string) (step, bool) {
		if lazily(`[*×+/]|乘|除以|减去`).MatchString(s) && !strings.Contains(s, "按") {
			return step{}, false
		}
		st := step{kind: "summarize"}
		rest := s
		if m := lazily(`(?:按照?|根据|依据|以|对|每个?)\s*(?:字段)?\s*([\p{L}\p{N}_.、和«»]+?)\s*(?:字段)?(?:来|进行)?\s*(?:分组|统计|汇总|计算|求和|求|算|分别|的(?:订单|记录|用户|数量|总))`).FindStringSubmatchIndex(s); m != nil {
			by := s[m[2]:m[3]]
			if !lazily(`^` + itemsZh + `+$`).MatchString(by) {
				st.by = r.fieldNames(by)
				rest = s[:m[0]] + " " + s[m[3]:]
			}
		}
		st.pairs = r.figuresZh(rest)
		if len(st.pairs) == 0 && strings.Contains(s, "分组") {
			st.pairs = []pair{{value: "count"}}
		}
		if len(st.pairs) == 0 {
			st.slot = "figure"
		}
		return st, true
	}),
	act(`(?:把|将)?\s*(.*?)\s*(?:拆分|拆开|展开|分割|拆成)(.*)$`, func(r *reading, m []string, s string) (step, bool) {
		f := r.fieldName(lazily(`(?:列表|数组|里的|中的|每个元素)`).ReplaceAllString(lazily(`^(?:把|将)`).ReplaceAllString(m[1], ""), ""))
		if f == "" || lazily(`^`+itemsZh+`+$`).MatchString(f) {
			if g := r.fieldName(lazily(`(?:列表|数组|字段|为|成|单独|独立|多条|多个|数据|每一?[条项个]|记录|的)`).ReplaceAllString(m[2], "")); g != "" {
				f = g
			} else if f == "" {
				return step{kind: "split", slot: "split"}, true
			}
		}
		return step{kind: "split", fields: []string{f}}, true
	}),
	act(`(?:把|将)?\s*(.*?)\s*(?:合并|聚合|收集|汇集|归并|整合|打包|汇总)(?:成|到|为|进|在)+\s*(?:一|1|单|同一)(?:个|条|项|起)?`, func(r *reading, m []string, s string) (step, bool) {
		st := step{kind: "aggregate", all: true}
		f := r.fieldName(lazily(`^(?:把|将|所有|全部)+`).ReplaceAllString(m[1], ""))
		f = strings.TrimPrefix(f, "所有")
		if f != "" && !lazily(`^`+itemsZh+`+$`).MatchString(f) {
			st.all, st.fields = false, []string{f}
		}
		return st, true
	}),
	act(`(?:合并|关联|拼接|连接|join)(.*)$`, func(r *reading, m []string, s string) (step, bool) {
		st := step{kind: "merge", urls: r.every("u", s), what: "append"}
		if by := lazily(`(?:按照?|根据|依据|以|通过|用)\s*(?:字段)?\s*([\p{L}\p{N}_.]+?|«q\d+»)\s*(?:字段)?(?:来|进行|把|将)?\s*(?:合并|关联|拼接|连接|join|匹配|$)`).FindStringSubmatch(s); by != nil {
			if f := r.fieldName(by[1]); f != "" {
				st.what, st.fields = "fields", []string{f}
			}
		}
		return st, true
	}),
	act(`(?:转换?(?:为|成)?|导出(?:为|成)?|生成|保存(?:为|成)|做成|存成)\s*(?:一个)?\s*(csv|xlsx|excel|html\s*表格|json\s*文件|文本文件|表格)`, func(_ *reading, m []string, s string) (step, bool) {
		return step{kind: "file", what: fileKind(strings.ReplaceAll(m[1], " ", ""))}, !strings.Contains(s, "«u")
	}),
	act(`(?:读取|解析|提取|导入).*?(csv|xlsx|excel|json\s*文件|文本文件)`, readExtract),
	act(`(?:解析|转换?).*xml|xml.*(?:转|解析)`, func(_ *reading, _ []string, s string) (step, bool) {
		return step{kind: "xml", what: map[bool]string{true: "jsonToxml", false: "xmlToJson"}[lazily(`(?i)(?:为|成)\s*xml`).MatchString(s)]}, true
	}),
	act(`markdown.*(?:转|为|成).*html|html.*(?:转|为|成).*markdown`, func(_ *reading, _ []string, s string) (step, bool) {
		lower := strings.ToLower(s)
		return step{kind: "markdown", what: map[bool]string{true: "markdownToHtml", false: "htmlToMarkdown"}[strings.Index(lower, "markdown") < strings.Index(lower, "html")]}, true
	}),
	act(`(?:从)?.*?(?:网页|页面|HTML|html)(?:中|里|上|里面)?\s*(?:提取|抽取|抓取|解析|获取)出?\s*(.+)$|(?:提取|抽取|抓取|解析|获取)\s*(?:网页|页面|HTML|html)(?:的|中的|里的)?\s*(.+)$`, func(r *reading, m []string, s string) (step, bool) {
		return readHTML(r, []string{"", m[1] + m[2], s}, s)
	}),
	act(`(md5|sha-?\d*)?\s*(?:哈希|散列|加密)`, func(r *reading, _ []string, s string) (step, bool) {
		st := step{kind: "hash", what: "SHA256"}
		for _, a := range []string{"MD5", "SHA512", "SHA384"} {
			if strings.Contains(strings.ToUpper(strings.ReplaceAll(s, "-", "")), a) {
				st.what = a
			}
		}
		if m := lazily(`(?:对|把|将|给)\s*(?:字段)?\s*([\p{L}\p{N}_.]+?)\s*(?:字段|的值)?(?:用|进行|做|使用|以|sha|md5|SHA|MD5|哈希|加密)`).FindStringSubmatch(s); m != nil {
			st.fields = []string{r.fieldName(m[1])}
		} else {
			st.slot = "hash"
		}
		return st, true
	}),
	act(`(?:生成|添加|加).*(?:uuid|唯一\s*id|随机\s*id)`, func(*reading, []string, string) (step, bool) { return step{kind: "uuid", text: "id"}, true }),
	act(`(?:运行|执行|调用|启动|触发)\s*(?:一个|另一个|其他|名为|叫)?\s*(?:子)?(?:工作流|流程)\s*(?:id\s*(?:为|是)?)?\s*(«q\d+»|[\w-]{2,})?|(?:运行|执行|调用|启动|触发)\s*(?:名为|叫)?\s*(«q\d+»|[\w-]{2,})\s*(?:这个|的)?\s*(?:子)?(?:工作流|流程)`, func(r *reading, m []string, _ string) (step, bool) {
		st := step{kind: "sub", to: r.plain(m[1] + m[2])}
		if st.to == "" {
			st.slot = "workflow"
		}
		return st, true
	}),
	act(`(?:运行|执行|用|使用|写).*(?:代码|脚本|js|javascript)(.*)$`, readCodeWords),
	act(`表单`, func(r *reading, _ []string, s string) (step, bool) {
		st := step{kind: "form"}
		if m := lazily(`(?:填写|询问|收集|要求填)\s*(.+?)(?:的表单)?$`).FindStringSubmatch(s); m != nil {
			for _, n := range names(m[1]) {
				st.fields = append(st.fields, r.plain(n))
			}
		}
		if len(st.fields) == 0 {
			st.slot = "form"
		}
		return st, true
	}),
	act(`邮件|电邮|e-?mail|发信`, func(r *reading, m []string, s string) (step, bool) {
		if lazily(`^(?:过滤|筛选|只?保留|按|重命名|删除|去掉|提取)`).MatchString(s) || strings.Contains(s, "«u") && r.first("e", s) == "" {
			return step{}, false
		}
		if !lazily(`发|寄|邮件(?:通知|提醒|告诉)|通知|告知|(?:用|通过)邮件`).MatchString(s) {
			return step{}, false
		}
		return readMail(r, []string{"", s}, "send "+s)
	}),
	act(`^(?:发给|发送给|寄给|通知|发到|发送到)\s*«e\d+»`, func(r *reading, _ []string, s string) (step, bool) {
		return step{kind: "mail", to: r.first("e", s), text: r.first("q", s)}, true
	}),
	act(`(?:`+sendZh+`.*?(?:到|给|至|往|进|入|去)?|(?:到|给|向|往)\s*)\s*«u\d+»`, readSendZh),
	act(`(?:向|往|给|对)\s*«u\d+».*(?:发|提交|推送|POST|PUT)`, readSendZh),
	act(`(?:把|将).*(?:`+sendZh+`|到|给).*«u\d+»`, readSendZh),
	act(fetchZh+`.*«u\d+»|«u\d+».*(?:获取|抓取|读取|拉取|下载|取)|^«u\d+»`, readFetch),
	act(`(?:重命名|改名|更名|改为|改成|命名为|改叫)`, func(r *reading, _ []string, s string) (step, bool) {
		st := step{kind: "rename"}
		for _, p := range reRenamePair.FindAllStringSubmatch(lazily(`^(?:把|将|重命名)?\s*(?:字段)?`).ReplaceAllString(s, ""), -1) {
			st.pairs = append(st.pairs, pair{name: r.plain(p[1]), value: r.plain(p[2])})
		}
		if len(st.pairs) == 0 {
			st.slot = "rename"
			if lazily(`改为|改成`).MatchString(s) {
				return step{}, false
			}
		}
		return st, true
	}),
	act(`^(?:只|仅)?(?:保留|留下?|要|选择|提取|取|返回)\s*(.+?)\s*(?:这?(?:几|两|三|四|些)?个?)?(?:字段|列|属性)(.*)$`, func(r *reading, m []string, s string) (step, bool) {
		list := m[1]
		if strings.Trim(list, "这些几个的 ") == "" || strings.TrimSpace(m[2]) != "" && len(names(m[2])) > 0 && lazily(`^\s*$`).MatchString(list) {
			list = m[2]
		}
		if lazily(`大于|小于|等于|包含|为空|超过|>|<|=`).MatchString(s) {
			return step{}, false
		}
		st := step{kind: "keep", fields: r.fieldNames(list)}
		return st, len(st.fields) > 0
	}),
	act(`^(?:只|仅)(?:保留|留下?|要|选择|提取|取)\s*(?:字段)?\s*([A-Za-z_][\w.]*(?:\s*[、,，和与及]\s*[A-Za-z_][\w.]*)+)$`, func(r *reading, m []string, _ string) (step, bool) {
		st := step{kind: "keep", fields: r.fieldNames(m[1])}
		return st, len(st.fields) > 0
	}),
	act(`^(?:删除|去掉|移除|删掉|去除|隐藏)\s*(.+?)\s*(?:这?(?:几|两|三|四|些)?个?)?(?:字段|列|属性)$|^(?:删除|去掉|移除|删掉|去除)\s*字段\s*(.+)$`, func(r *reading, m []string, _ string) (step, bool) {
		st := step{kind: "drop", fields: r.fieldNames(m[1] + m[2])}
		return st, len(st.fields) > 0
	}),
	act(`(?:过滤|筛选|筛出|挑出|选出|保留|留下?|只留|只要|去掉|删除|删掉|移除|排除|忽略|丢弃|剔除|只处理|找出|只看|只取|取出|去除|选择)(.*)$`, func(r *reading, m []string, s string) (step, bool) {
		st := step{kind: "filter"}
		st.negate = lazily(`^(?:过滤掉|筛掉|去掉|删除|删掉|移除|排除|忽略|丢弃|剔除|去除)|(?:过滤掉|筛掉|去掉|删除|删掉|移除|排除|忽略|丢弃|剔除|去除)$`).MatchString(s)
		body := m[1]
		if mm := lazily(`^(?:把|将)(.+?)(?:过滤|筛选|筛出|挑出|选出|保留|留下|去掉|删除|删掉|移除|排除|丢弃|剔除|找出|取出|去除)`).FindStringSubmatch(s); mm != nil && strings.TrimSpace(strings.Trim(body, "出来掉下")) == "" {
			body = mm[1]
		}
		body = lazily(`^(?:出|掉|下|来|那些|所有|全部|其中|符合|满足|条件|：|:|，|\s)+`).ReplaceAllString(body, "")
		c, ok := r.condition(body)
		if !ok {
			st.slot = "filter"
			return st, lazily(`过滤|筛选`).MatchString(s)
		}
		st.cond = c
		return st, true
	}),
	act(`(?:设置|设为|设成|添加|增加|加上|加一|加个|新增|补充|标记|赋值|把|将|计算|算出|写上|打上|给)(.*)$`, readSetZh),
}

func twoDigits(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

func zhOrder(s string) string {
	if strings.ContainsAny(s, "低小少早") || s == "便宜" {
		return "ascending"
	}
	return "descending"
}

func (r *reading) fieldNames(s string) []string {
	var out []string
	for _, n := range names(s) {
		if f := r.fieldName(n); f != "" {
			out = append(out, f)
		}
	}
	return out
}

func (r *reading) figuresZh(s string) []pair {
	var out []pair
	s = strings.NewReplacer("总和", "总额", "之和", "总额", "求和", "合计", "总共", "").Replace(s)
	s = lazily(`^(?:统计|计算|求出?|算出?|汇总)\s*`).ReplaceAllString(strings.TrimSpace(s), "")
	for _, part := range lazily(`\s*(?:和|以及|及|、|，|与)\s*`).Split(s, -1) {
		add := func(re, agg string) bool {
			m := lazily(re).FindStringSubmatch(part)
			if m == nil {
				return false
			}
			f := r.fieldName(lazily(`^(?:统计|计算|求出?|算出?|汇总|的|所有|出|对|分组|每组|各组|进行)+`).ReplaceAllString(m[1], ""))
			if agg != "count" && (f == "" || lazily(`^`+itemsZh+`+$`).MatchString(f)) {
				return false
			}
			if agg == "count" {
				f = ""
			}
			out = append(out, pair{name: f, value: agg})
			return true
		}
		_ = add(`^(.*?)(?:的)?(?:总和|之和|合计|总额|总计|总数(?:额)|求和|累加)`, "sum") || add(`(?:总|求和)([\p{L}\p{N}_.]+)$`, "sum") || add(`(?:求和|累加|合计|汇总)\s*([\p{L}\p{N}_.]+)$`, "sum") ||
			add(`^(.*?)(?:的)?(?:平均值?|均值|平均数)$`, "average") || add(`平均([\p{L}\p{N}_.]+)$`, "average") ||
			add(`^(.*?)(?:的)?(?:最大值?|最高值?)$`, "max") || add(`最(?:大|高)(?:的)?([\p{L}\p{N}_.]+)$`, "max") ||
			add(`^(.*?)(?:的)?(?:最小值?|最低值?)$`, "min") || add(`最(?:小|低)(?:的)?([\p{L}\p{N}_.]+)$`, "min") ||
			add(`(.*?)(?:数量|个数|条数|总数|多少|次数|人数|数目|笔数|计数)`, "count") ||
			len(out) == 0 && lazily(`[A-Za-z]`).MatchString(part) && add(`^(?:分别)?\s*([A-Za-z_][\w.]*)$`, "sum")
	}
	return out
}

func readSendZh(r *reading, m []string, s string) (step, bool) {
	st, ok := readSend(r, m, s)
	if !ok || st.kind == "fetch" {
		return st, ok
	}
	if mm := lazily(`(?:带上|包含|内容(?:是|为|：)?|字段)\s*([A-Za-z_][\w.]*(?:\s*[、,，和与及]\s*[A-Za-z_][\w.]*)*)`).FindStringSubmatch(s); mm != nil && len(st.pairs) == 0 {
		st.pairs = r.plainFields(mm[1])
	}
	if mm := lazily(`^(?:把|将)\s*([A-Za-z_][\w.]*(?:\s*[、,，和与及]\s*[A-Za-z_][\w.]*)+)\s*(?:字段)?` + sendZh).FindStringSubmatch(s); mm != nil {
		st.pairs = r.plainFields(mm[1])
	}
	return st, true
}

var reHeadZh = lazily(`^(?:给(?:每个?|所有|它们?)?` + itemsZh + `*|为每个?` + itemsZh + `*)?(?:再)?(?:设置|添加|增加|加上|加|新增|补充|标记|赋值|把|将|计算|算出|写上|打上)?\s*(?:一个|个|一列|上|新的?)*\s*(?:名为|叫做?|新)?\s*(?:字段|列|属性)?\s*(?:名为|叫做?)?\s*`)

func readSetZh(r *reading, _ []string, s string) (step, bool) {
	st := step{kind: "set"}
	if p, ok := r.changed(s); ok {
		st.pairs = p
		return st, true
	}
	if m := lazily(`(?:把|将|给|添加|加上?|增加)?.*?(?:标记|标注)(?:为|成)\s*(.+)$`).FindStringSubmatch(s); m != nil {
		v, _ := r.value(m[1])
		st.pairs = []pair{{name: "status", value: v}}
		return st, true
	}
	rest := reHeadZh.ReplaceAllString(s, "")
	rest = lazily(`^(«q\d+»|[\p{L}\p{N}_.]+?)\s*(?:字段|的值)?\s*(?:设置为|设为|设成|改为|改成|更新为|赋值为|[，,]?\s*(?:它的)?值(?:为|是|等于)|[，,]?\s*内容(?:为|是)|等于|为|是|=|：|:)\s*(.+)$`).ReplaceAllString(rest, "$1 = $2")
	if st.pairs = r.assignments(rest); len(st.pairs) > 0 {
		return st, true
	}
	if m := lazily(`(?:添加|加上|增加)\s*(当前(?:时间|日期)|时间戳)`).FindStringSubmatch(s); m != nil {
		st.pairs = []pair{r.assign("date", m[1])}
		return st, true
	}
	if lazily(`^(?:给.*)?(?:添加|增加|新增|设置|加).*字段`).MatchString(s) {
		st.fields = r.fieldNames(rest)
		st.slot = "set"
		return st, true
	}
	return st, false
}
