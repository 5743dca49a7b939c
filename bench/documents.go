package main

// helloWorkflow is the small document that a tool call reads.
const helloWorkflow = `{"name":"Hello","nodes":[{"name":"Start","type":"n8n-nodes-base.manualTrigger","typeVersion":1,"position":[0,0],"parameters":{}}]}`

// webhookWorkflow has four nodes: webhook, set with two expressions, if, respond.
const webhookWorkflow = `{"name":"Webhook","settings":{"executionOrder":"v1"},"nodes":[` +
	webhookNode + `"bench","responseMode":"responseNode","options":{}}},` + setNode + `,` + ifNode + `,` + respondNode + `],
 "connections":{"Hook":{"main":[[{"node":"Set","type":"main","index":0}]]},"Set":{"main":[[{"node":"If","type":"main","index":0}]]},
  "If":{"main":[[{"node":"Answer","type":"main","index":0}],[]]}}}`

// codeWorkflow has a code node before the answer.
const codeWorkflow = `{"name":"Code","settings":{"executionOrder":"v1"},"nodes":[` +
	webhookNode + `"bench-code","responseMode":"responseNode","options":{}}},` + setNode + `,` + ifNode + `,` + respondNode + `,
 {"name":"Code","type":"n8n-nodes-base.code","typeVersion":2,"position":[600,0],"parameters":{"mode":"runOnceForAllItems",
  "jsCode":"return $input.all().map(i => ({ json: { ...i.json, twice: i.json.twice, letters: i.json.greeting.length } }))"}}],
 "connections":{"Hook":{"main":[[{"node":"Set","type":"main","index":0}]]},"Set":{"main":[[{"node":"If","type":"main","index":0}]]},
  "If":{"main":[[{"node":"Code","type":"main","index":0}],[]]},"Code":{"main":[[{"node":"Answer","type":"main","index":0}]]}}}`

const (
	webhookNode = `{"name":"Hook","type":"n8n-nodes-base.webhook","typeVersion":2,"position":[0,0],"webhookId":"w","parameters":{"httpMethod":"POST","path":`
	setNode     = `{"name":"Set","type":"n8n-nodes-base.set","typeVersion":3.4,"position":[200,0],"parameters":{"assignments":{"assignments":[
  {"id":"1","name":"greeting","value":"=Hello {{ $json.body.name }}","type":"string"},{"id":"2","name":"twice","value":"={{ $json.body.n * 2 }}","type":"number"}]},"options":{}}}`
	ifNode = `{"name":"If","type":"n8n-nodes-base.if","typeVersion":2.2,"position":[400,0],"parameters":{"conditions":{"options":{"caseSensitive":true,"typeValidation":"strict","version":2},
  "combinator":"and","conditions":[{"id":"c","leftValue":"={{ $json.twice }}","rightValue":5,"operator":{"type":"number","operation":"gt"}}]},"options":{}}}`
	respondNode = `{"name":"Answer","type":"n8n-nodes-base.respondToWebhook","typeVersion":1.1,"position":[800,0],"parameters":{"respondWith":"firstIncomingItem","options":{}}}`
)

// webhookBody is what the webhooks are called with, and webhookTwice a part of
// what they answer.
const (
	webhookBody  = `{"name":"Ann","n":3}`
	webhookTwice = `"twice":6`
)

// What the usual alternative (n8n 2.40.7) did on a machine of this kind with
// webhookWorkflow: requests per second with its defaults and with its fastest
// settings, each the best of several runs. It is not measured here.
const (
	n8nDefault = 19.0
	n8nFastest = 71.0
)
