package expr

// builtinObjects are names whose own methods are meant by a call.
var builtinObjects = setOf("Object Array Math JSON Date Number String Boolean Symbol Map Set WeakMap WeakSet " +
	"Promise RegExp Error Reflect Intl DateTime Duration Interval $input $prevNode $workflow $execution " +
	"$ $items $item")

// knownNames are what expressions may name besides what they declare.
var knownNames = merge(builtinObjects, setOf("Infinity NaN undefined globalThis parseInt parseFloat isNaN isFinite "+
	"encodeURI encodeURIComponent decodeURI decodeURIComponent escape unescape arguments "+
	"AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError GoError "+
	"$json $data $binary $node $env $vars $secrets $parameter $runIndex $itemIndex $position $nodeVersion $nodeId "+
	"$webhookId $if $ifEmpty $min $max $average $not numberList zip $jmespath $jmesPath $getWorkflowStaticData "+
	"$evaluateExpression $fromAI $fromai $mode $executionId $resumeWebhookUrl $self"))

// luxonNames need the date library.
var luxonNames = setOf("DateTime Duration Interval $now $today")

// luxonMethods are methods of the format that need the date library.
var luxonMethods = setOf("toDateTime beginningOf endOfMonth extract format isBetween isDst isInLast isWeekend minus " +
	"plus diffTo diffToNow")

// mutators are methods that change what they are called on or given.
var mutators = setOf("sort reverse push pop shift unshift splice fill copyWithin assign defineProperty " +
	"defineProperties set delete clear setPrototypeOf freeze seal preventExtensions call apply bind deleteProperty " +
	"__defineGetter__ __defineSetter__")

// forbidden are properties that lead to constructors and prototypes.
var forbidden = setOf("constructor __proto__ prototype __defineGetter__ __defineSetter__ __lookupGetter__ " +
	"__lookupSetter__ getPrototypeOf setPrototypeOf")

// extensionNames are the methods of the format, which the files
// js/ext_*.js define.
var extensionNames = setOf("isEmpty isNotEmpty toJsonString toDateTime toInt toFloat toNumber toBoolean format " +
	"base64Encode base64Decode extractDomain extractEmail extractUrl extractUrlPath hash isDomain isEmail " +
	"isNumeric isUrl parseJson quote removeMarkdown removeTags stripTags replaceSpecialChars toCamelCase toDate " +
	"toSentenceCase toSnakeCase toTitleCase toWholeNumber toDecimalNumber urlDecode urlEncode " +
	"abs ceil floor isEven isInteger isOdd round " +
	"append average chunk compact difference first intersection last max merge min pluck randomItem " +
	"removeDuplicates unique renameKeys smartJoin sum union " +
	"hasField keepFieldsContaining keys removeField removeFieldsContaining values " +
	"beginningOf endOfMonth extract isBetween isDst isInLast isWeekend minus plus diffTo diffToNow")

func merge(sets ...map[string]bool) map[string]bool {
	out := map[string]bool{}
	for _, s := range sets {
		for k := range s {
			out[k] = true
		}
	}
	return out
}
