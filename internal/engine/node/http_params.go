package node

// HTTPParams are the parameters of HTTP Request nodes from version 3 on.
type HTTPParams struct {
	Method             string `json:"method" default:"GET" enum:"DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT" doc:"The request's method."`
	URL                string `json:"url" required:"true" doc:"Address to call, beginning with http:// or https://." example:"https://api.example.com/items"`
	Authentication     string `json:"authentication" default:"none" enum:"none,genericCredentialType,predefinedCredentialType" doc:"Whether a stored credential is sent along."`
	NodeCredentialType string `json:"nodeCredentialType" show:"authentication=predefinedCredentialType" doc:"Type of the service's credential, such as slackApi; name the credential itself in the node's credentials."`
	GenericAuthType    string `json:"genericAuthType" show:"authentication=genericCredentialType" enum:"httpBasicAuth,httpBearerAuth,httpCustomAuth,httpDigestAuth,httpHeaderAuth,httpQueryAuth,oAuth1Api,oAuth2Api" doc:"Kind of the credential."`

	SendQuery    bool          `json:"sendQuery" doc:"Append query parameters to the address."`
	SpecifyQuery string        `json:"specifyQuery" default:"keypair" enum:"keypair,json" show:"sendQuery=true" doc:"How they are written."`
	Query        HTTPFieldList `json:"queryParameters" show:"sendQuery=true&specifyQuery=keypair" doc:"Query parameters, escaped for you."`
	JSONQuery    any           `json:"jsonQuery" show:"sendQuery=true&specifyQuery=json" hint:"json" doc:"Query parameters as a JSON object."`

	SendHeaders    bool          `json:"sendHeaders" doc:"Send headers of your own."`
	SpecifyHeaders string        `json:"specifyHeaders" default:"keypair" enum:"keypair,json" show:"sendHeaders=true" doc:"How they are written."`
	Headers        HTTPFieldList `json:"headerParameters" show:"sendHeaders=true&specifyHeaders=keypair" doc:"Headers to send."`
	JSONHeaders    any           `json:"jsonHeaders" show:"sendHeaders=true&specifyHeaders=json" hint:"json" doc:"Headers as a JSON object."`

	SendBody       bool         `json:"sendBody" doc:"Send a body."`
	ContentType    string       `json:"contentType" default:"json" enum:"json,form-urlencoded,multipart-form-data,raw,binaryData" show:"sendBody=true" doc:"What the body is."`
	SpecifyBody    string       `json:"specifyBody" default:"keypair" enum:"keypair,json,string" show:"sendBody=true&contentType=json|form-urlencoded" doc:"How the body is written: fields, JSON text, or (form-urlencoded) a=b&c=d text."`
	Body           HTTPBodyList `json:"bodyParameters" show:"sendBody=true&contentType=json|form-urlencoded|multipart-form-data" doc:"Fields of the body."`
	JSONBody       any          `json:"jsonBody" show:"sendBody=true&specifyBody=json" hint:"json" doc:"The body as JSON text or an object."`
	RawContentType string       `json:"rawContentType" show:"contentType=raw" doc:"MIME type of the raw body." example:"text/csv"`
	RawBody        any          `json:"body" show:"sendBody=true" hint:"multiline" doc:"The raw body, or the form-urlencoded text."`
	InputDataField string       `json:"inputDataFieldName" show:"contentType=binaryData" doc:"Name of the item's file to send as the body." example:"data"`

	Options HTTPOptions `json:"options" doc:"Further settings."`

	OptimizeResponse bool `json:"optimizeResponse" doc:"Cut the answer down to what matters, to spare a model's context."`
	HTTPOptimize
}

// HTTPFieldList wraps name and value pairs as documents write them.
type HTTPFieldList struct {
	Fields []HTTPField `json:"parameters" doc:"The pairs."`
}

// HTTPField is a name with a value.
type HTTPField struct {
	Name  string `json:"name" doc:"Name."`
	Value any    `json:"value" doc:"Value."`
}

// HTTPBodyList wraps the fields of a body.
type HTTPBodyList struct {
	Fields []HTTPBodyField `json:"parameters" doc:"The fields."`
}

// HTTPBodyField is a field of a body: a value, or one of the item's files.
type HTTPBodyField struct {
	Kind       string `json:"parameterType" default:"formData" doc:"formBinaryData sends a file (multipart only), formData a value."`
	Name       string `json:"name" doc:"Name of the field."`
	Value      any    `json:"value" doc:"Value of the field."`
	InputField string `json:"inputDataFieldName" doc:"For formBinaryData: name of the item's file."`
}

// HTTPOptions are the options of HTTP Request nodes from version 3 on.
type HTTPOptions struct {
	Batching struct {
		Batch HTTPBatch `json:"batch"`
	} `json:"batching" doc:"Pause between groups of requests."`
	InsecureTLS bool   `json:"allowUnauthorizedCerts" doc:"Accept any TLS certificate."`
	ArrayFormat string `json:"queryParameterArrays" doc:"How list values are written in the query: brackets (a[]=1), indices (a[0]=1) or repeat (a=1&a=2)."`
	Lowercase   *bool  `json:"lowercaseHeaders" doc:"Send header names in lower case; false keeps them as written."`
	Proxy       string `json:"proxy" doc:"Proxy to go through." example:"http://proxy.example.com:3128"`
	Timeout     int    `json:"timeout" default:"300000" doc:"Milliseconds to wait for the whole answer."`
	Redirect    struct {
		Redirect *HTTPRedirect `json:"redirect"`
	} `json:"redirect" doc:"Whether redirects are followed."`
	Response struct {
		Response HTTPResponseOptions `json:"response"`
	} `json:"response" doc:"What becomes of the answer."`
	Pagination struct {
		Pagination *HTTPPagination `json:"pagination"`
	} `json:"pagination" doc:"Fetch page after page."`
}

// HTTPBatch is a pause after every so many requests.
type HTTPBatch struct {
	Size     int `json:"batchSize" default:"50" doc:"Requests per batch; -1 for all at once."`
	Interval int `json:"batchInterval" default:"1000" doc:"Milliseconds between batches."`
}

// HTTPRedirect says how redirects are treated.
type HTTPRedirect struct {
	Follow bool `json:"followRedirects" default:"true" doc:"Follow redirects."`
	Max    int  `json:"maxRedirects" default:"21" doc:"How many at most."`
}

// HTTPResponseOptions say what becomes of an answer.
type HTTPResponseOptions struct {
	Full     bool   `json:"fullResponse" doc:"Return {body, headers, statusCode, statusMessage} instead of the body alone."`
	NeverErr bool   `json:"neverError" doc:"Do not fail on a status other than 2xx."`
	Format   string `json:"responseFormat" default:"autodetect" enum:"autodetect,json,text,file" doc:"How the body is read. autodetect goes by its content type."`
	Property string `json:"outputPropertyName" default:"data" doc:"Where text goes in the item, or the name of the file."`
}

// HTTPPagination says how to get from page to page.
type HTTPPagination struct {
	Mode    string `json:"paginationMode" default:"updateAParameterInEachRequest" enum:"off,updateAParameterInEachRequest,responseContainsNextURL" doc:"How the next page is asked for."`
	NextURL Value  `json:"nextURL" show:"paginationMode=responseContainsNextURL" doc:"Address of the next page, from $response." example:"={{ $response.body.next }}"`
	Params  struct {
		Fields []HTTPPageField `json:"parameters"`
	} `json:"parameters" show:"paginationMode=updateAParameterInEachRequest" doc:"What changes from page to page."`
	CompleteWhen   string `json:"paginationCompleteWhen" default:"responseIsEmpty" enum:"responseIsEmpty,receiveSpecificStatusCodes,other" doc:"What the last page is known by."`
	CompleteStatus string `json:"statusCodesWhenComplete" show:"paginationCompleteWhen=receiveSpecificStatusCodes" doc:"Statuses that end it, with commas." example:"404,416"`
	Complete       Value  `json:"completeExpression" show:"paginationCompleteWhen=other" doc:"True on the last page." example:"={{ !$response.body.next }}"`
	Limit          bool   `json:"limitPagesFetched" doc:"Fetch only so many pages."`
	MaxRequests    int    `json:"maxRequests" default:"100" show:"limitPagesFetched=true" doc:"How many."`
	Interval       int    `json:"requestInterval" doc:"Milliseconds between requests."`
}

// HTTPPageField is something that changes from page to page.
type HTTPPageField struct {
	Kind  string `json:"type" default:"qs" doc:"Where it goes: qs (query), headers or body."`
	Name  string `json:"name" doc:"Name."`
	Value Value  `json:"value" doc:"Value; sees $pageCount (0 for the first page), $response and $request." example:"={{ $pageCount + 1 }}"`
}

// HTTPOptimize says what is kept of an answer for a model.
type HTTPOptimize struct {
	ResponseType   string    `json:"responseType" default:"json" enum:"json,html,text" show:"optimizeResponse=true" doc:"What the answer is."`
	DataField      string    `json:"dataField" show:"optimizeResponse=true&responseType=json" doc:"Path of the field that holds the data; empty for all." example:"data.items"`
	FieldsToKeep   string    `json:"fieldsToInclude" default:"all" enum:"all,selected,except" show:"optimizeResponse=true&responseType=json" doc:"Which fields are kept."`
	Fields         FieldList `json:"fields" show:"optimizeResponse=true&responseType=json&fieldsToInclude=selected|except" doc:"Their paths, with commas."`
	CSSSelector    string    `json:"cssSelector" default:"body" show:"optimizeResponse=true&responseType=html" doc:"Which element is kept."`
	OnlyContent    bool      `json:"onlyContent" show:"optimizeResponse=true&responseType=html" doc:"Keep the text without tags."`
	ElementsToOmit string    `json:"elementsToOmit" show:"optimizeResponse=true&responseType=html" doc:"Selectors of elements to leave out, with commas."`
	Truncate       bool      `json:"truncateResponse" show:"optimizeResponse=true&responseType=text|html" doc:"Cut long text."`
	MaxLength      int       `json:"maxLength" default:"1000" show:"optimizeResponse=true&truncateResponse=true" doc:"Characters to keep."`
}
