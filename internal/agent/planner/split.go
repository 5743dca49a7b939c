package planner

import (
	"slices"
	"strings"
)

// The verbs that begin what is to be done. Gerunds ("before sending") are
// brought to these forms first.
const englishVerbs = `fetch|get|grab|download|load|pull|read|query|request|call|hit|ping|retrieve|scrape|check|look up|poll|import|` +
	`post|put|patch|delete|send|forward|push|submit|upload|publish|deliver|notify|alert|inform|tell|report|message|mail|e-?mail|write|store|save|pass|` +
	`filter|keep|drop|discard|remove|exclude|ignore|skip|throw away|only|` +
	`set|add|append|assign|change|mark|tag|label|put|include|enrich|insert|calculate|compute|multiply|rename|map|convert|format|parse|extract|transform|turn|make|build|create|generate|` +
	`sort|order|rank|limit|take|pick|select|cut|trim|summari[sz]e|sum|total|count|average|group|aggregate|combine|collect|gather|merge|join|concatenate|bundle|compare|` +
	`de-?duplicate|dedupe|dedup|split|break|flatten|unpack|explode|expand|separate|` +
	`wait|pause|delay|sleep|hold|loop|iterate|repeat|go through|process|handle|run|execute|trigger|start|invoke|use|ask|let|require|request|have|get|` +
	`respond|reply|answer|return|give|stop|fail|throw|abort|do|retry|hash|encrypt|encode|decode|round|route|switch|translate|analy[sz]e|classify|log|schedule|book|print|show|display|update|` +
	`continue|finish|end|begin|move|copy|replace|approve|confirm|cancel|order|buy|play|sync|export|water|dance|turn on|turn off|switch on|switch off|backup|back up|archive|watch|monitor|track|record|draw|upper-?case|lower-?case`

// nounVerbs begin a clause only with what verbs are followed by.
const nounVerbs = `order|message|mail|e-?mail|report|count|total|group|label|tag|post|log|record|book|copy|average|format|rank|place|request|query|end|list|display|print|answer|reply|cancel|process`

var strictVerbs = strings.Join(slices.DeleteFunc(strings.Split(englishVerbs, "|"), func(v string) bool {
	return slices.Contains(strings.Split(nounVerbs, "|"), v)
}), "|")

const englishFiller = `(?:please|also|just|now|then|next|first(?:ly)?|second(?:ly)?|third(?:ly)?|finally|lastly|last|afterwards?|after that|after this|subsequently|thereafter|simply|automatically|immediately|and|but|so|to|` +
	`i(?:'d| would)? (?:want|need|like)(?: you)? to|i want|i need|we (?:want|need) to|can you|could you|would you|you should|it should|it must|it will|it needs to|the workflow (?:should|must|will)|should|must|let's|make sure to|help me(?: to)?|in the end|at the end|once (?:that is|that's|this is|it is|it's) done|when (?:that is|that's|it's|this is) done)`

var (
	reEnglishSeparator = lazily(`(?i),?\s*(?:->|→|=>|⇒)\s*|\s*[,:]\s*(?:and |but )?(?:then |also )?|\s+(?:and|but)\s+(?:then\s+|also\s+)?|\s+then\s+|\s+-\s+|\s*\|\s*`)
	reEnglishOpener    = lazily(`(?i)^(?:` + englishFiller + `[\s,]+)*(?:(?:` + strictVerbs + `)\b|(?:` + nounVerbs + `)\s+(?:«|(?:the|it|them|me|us|him|her|a|an|this|that|these|those|all|each|every|to|by|up|out|how|my|our|their|in|on|as|with|only|any|items|results|everything|one|for|into|back)\b)|if\b|unless\b|in case\b|otherwise\b|else\b|or else\b|for (?:each|every|all)\b|for the (?:rest|others)\b|when\b|whenever\b|once\b|everything else\b|all others\b|the (?:rest|others)\b|for everything else\b|depending\b|in (?:batches|groups|chunks)\b|one by one\b|on (?:failure|error|success|approval|rejection)\b)`)
	reEnglishFiller    = lazily(`(?i)^(?:` + englishFiller + `)[\s,]+`)
	reAfterWait        = lazily(`(?i)(\b(?:wait|pause|sleep|delay)\b[^,]*?\b(?:seconds?|minutes?|hours?|days?))\s+(?:and\s+)?((?:` + strictVerbs + `|post)\b)`)
	reElseInside       = lazily(`(?i)(everything|anything|anyone|everyone|all|or)?[\s,;]+(?:and |but )?(else|otherwise)[\s,]+`)
	reBeforeClause     = lazily(`(?i)\s*,?\s+before\s+(?:you\s+|it\s+)?(\w+ing)\b`)
	reAfterClause      = lazily(`(?i)^after\s+(\w+ing)\b`)
)

// splitEnglish takes a sentence apart.
func splitEnglish(s string) []string {
	s = reBeforeClause.ReplaceAllStringFunc(s, func(m string) string {
		return ", " + verbOf(reBeforeClause.FindStringSubmatch(m)[1])
	})
	if m := reAfterClause.FindStringSubmatch(s); m != nil {
		s = verbOf(m[1]) + s[len(m[0]):]
	}
	s = reAfterWait.ReplaceAllString(s, "$1, $2")
	s = reElseInside.ReplaceAllStringFunc(s, func(m string) string {
		g := reElseInside.FindStringSubmatch(m)
		if g[1] != "" {
			return m
		}
		return ", " + g[2] + " "
	})
	return cutAt(s, reEnglishSeparator, reEnglishOpener)
}

// trimEnglish takes away words that say nothing from the beginning.
func trimEnglish(s string) string {
	for {
		s = strings.TrimLeft(s, " ,:")
		loc := reEnglishFiller.FindStringIndex(s)
		if loc == nil {
			return strings.TrimSpace(s)
		}
		s = s[loc[1]:]
	}
}

// verbOf returns the verb of a gerund: sending, send; writing, write.
func verbOf(gerund string) string {
	stem := strings.TrimSuffix(strings.ToLower(gerund), "ing")
	known := "|" + englishVerbs + "|"
	for _, v := range []string{stem, stem + "e", stem[:max(len(stem)-1, 0)]} {
		if v != "" && strings.Contains(known, "|"+v+"|") {
			return v
		}
	}
	return stem
}

const chineseVerbs = `获取|抓取|请求|调用|读取|下载|拉取|访问|查询|取得|得到|拿到|爬取|GET|POST|PUT|DELETE|发送|发给|发到|发往|发邮件|发一|发个|发|推送|提交|转发|上传|写入|保存|存到|存入|通知|提醒|告诉|汇报|传给|传到|` +
	`过滤|筛选|筛出|挑出|选出|只保留|保留|只留|只要|留下|去掉|删除|删掉|移除|排除|忽略|丢弃|剔除|设置|设为|设成|添加|增加|加上|加一|新增|补充|标记|赋值|重命名|改名|更名|把|将|按|根据|依据|依|排序|取|只取|限制|截取|` +
	`统计|计算|求和|汇总|求|算|累加|分组|去重|去除|拆分|拆成|分割|展开|合并|聚合|收集|归并|整合|等待|等|暂停|延迟|延时|休眠|对每|对于每|为每|给每|逐个|逐条|逐一|依次|循环|遍历|运行|执行|启动|触发|返回|响应|回复|应答|答复|请|让|由|需要|要求|审批|审核|批准|` +
	`转换|转成|转为|解析|提取|抽取|加密|哈希|生成|停止|终止|报错|抛出|结束|导出|翻译|分析|分类|分流|路由|用|使用|从|向|到|重试|失败|记录|打印|创建|新建|更新|同步|备份|播放|打开|关闭|购买|订`

var (
	reChineseSeparator = lazily(`\s*[，,、:：]\s*(?:并且|并|然后|接着|再|随后|同时|而且|之后)?\s*|\s*(?:->|→|=>|⇒)\s*|\s*(?:，|,)?\s*(?:然后再|然后|接着再|接着|之后再|随后|并且|而后|紧接着|同时|再|并|后)\s*`)
	reChineseOpener    = lazily(`^(?:` + chineseFiller + `)*(?:` + chineseVerbs + `|如果|若|假如|要是|倘若|否则|不然|其他|其余|其它|通过|同意|不同意|拒绝|批准|驳回|不通过|当|每当|一旦|仅当|对|为|给)`)
	reChineseFiller    = lazily(`^(?:` + chineseFiller + `)`)
)

const chineseFiller = `请你?帮我|请帮忙|帮我|帮忙|麻烦你?|请(?:你)?(?:先)?(?:(?:把|将|获|抓|调|读|从))?$|首先|第[一二三四五]步|先|再|然后|接着|之后|随后|最后|最终|并且|并|而且|同时|还要|还|也|都|就|则|那么|那就|自动|立即|直接|我想要?|我要|我需要|需要|希望|想要|要|能够|能|可以`

// splitChinese takes a sentence apart.
func splitChinese(s string) []string {
	s = strings.NewReplacer("最后", "，最终", "否则", "，否则", "不然", "，不然").Replace(s)
	return cutAt(s, reChineseSeparator, reChineseOpener)
}

func trimChinese(s string) string {
	for {
		s = strings.TrimLeft(s, " ,，、:：")
		loc := reChineseFiller.FindStringIndex(s)
		if loc == nil || loc[1] == 0 || loc[1] >= len(s) {
			return strings.TrimSpace(s)
		}
		s = s[loc[1]:]
	}
}
