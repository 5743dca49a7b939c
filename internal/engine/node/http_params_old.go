package node

// HTTPParamsOld are the parameters of HTTP Request nodes of versions 1 and 2.
type HTTPParamsOld struct {
	Authentication     string         `json:"authentication" default:"none" enum:"none,basicAuth,digestAuth,headerAuth,queryAuth,oAuth1,oAuth2,genericCredentialType,predefinedCredentialType" doc:"Whether a stored credential is sent along."`
	NodeCredentialType string         `json:"nodeCredentialType" show:"authentication=predefinedCredentialType" doc:"Type of the service's credential."`
	GenericAuthType    string         `json:"genericAuthType" show:"authentication=genericCredentialType" doc:"Kind of the credential."`
	Method             string         `json:"requestMethod" default:"GET" doc:"GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS."`
	URL                string         `json:"url" required:"true" doc:"Address to call."`
	InsecureTLS        bool           `json:"allowUnauthorizedCerts" doc:"Accept any TLS certificate."`
	Format             string         `json:"responseFormat" default:"json" enum:"json,string,file" doc:"How the body is read."`
	Property           string         `json:"dataPropertyName" default:"data" show:"responseFormat=string|file" doc:"Where text goes in the item, or the name of the file."`
	JSONParameters     bool           `json:"jsonParameters" doc:"Query, headers and body are written as JSON or raw text."`
	SendBinary         bool           `json:"sendBinaryData" show:"jsonParameters=true" doc:"Send one of the item's files as the body."`
	BinaryProperty     string         `json:"binaryPropertyName" default:"data" show:"jsonParameters=true&sendBinaryData=true" doc:"Name of the file; for multipart also field:name pairs with commas."`
	Options            HTTPOptionsOld `json:"options" doc:"Further settings."`
	BodyJSON           any            `json:"bodyParametersJson" show:"jsonParameters=true" doc:"The body."`
	BodyUI             HTTPOldList    `json:"bodyParametersUi" show:"jsonParameters=false" doc:"Fields of the body."`
	HeadersJSON        any            `json:"headerParametersJson" show:"jsonParameters=true" doc:"Headers as a JSON object."`
	HeadersUI          HTTPOldList    `json:"headerParametersUi" show:"jsonParameters=false" doc:"Headers to send."`
	QueryJSON          any            `json:"queryParametersJson" show:"jsonParameters=true" doc:"Query parameters as a JSON object."`
	QueryUI            HTTPOldList    `json:"queryParametersUi" show:"jsonParameters=false" doc:"Query parameters."`
}

// HTTPOldList wraps name and value pairs as old documents write them.
type HTTPOldList struct {
	Fields []HTTPField `json:"parameter"`
}

// HTTPOptionsOld are the options of versions 1 and 2.
type HTTPOptionsOld struct {
	BatchInterval   int    `json:"batchInterval" default:"1000" doc:"Milliseconds between batches, where batchSize is given."`
	BatchSize       int    `json:"batchSize" doc:"Requests per batch."`
	BodyContentType string `json:"bodyContentType" default:"json" enum:"json,form-urlencoded,multipart-form-data,raw" doc:"What the body is."`
	CustomMimeType  string `json:"bodyContentCustomMimeType" doc:"MIME type of a raw body."`
	FollowRedirect  *bool  `json:"followRedirect" doc:"Follow redirects; they are unless this is false."`
	Full            bool   `json:"fullResponse" doc:"Return {body, headers, statusCode, statusMessage} instead of the body alone."`
	IgnoreStatus    bool   `json:"ignoreResponseCode" doc:"Do not fail on a status other than 2xx."`
	Proxy           string `json:"proxy" doc:"Proxy to go through."`
	Timeout         int    `json:"timeout" default:"300000" doc:"Milliseconds to wait for the whole answer."`
	ArrayFormat     string `json:"queryParameterArrays" doc:"How list values are written in the query."`
	Split           bool   `json:"splitIntoItems" doc:"Lists become one item per element; they always do here."`
}

// genericAuthKinds maps the authentication of version 1 to credential types.
var genericAuthKinds = map[string]string{
	"basicAuth": "httpBasicAuth", "digestAuth": "httpDigestAuth", "headerAuth": "httpHeaderAuth",
	"queryAuth": "httpQueryAuth", "oAuth1": "oAuth1Api", "oAuth2": "oAuth2Api",
}

// credentialKind is the type of credential a node asks for, "" for none.
func credentialKind(authentication, generic, predefined string) string {
	switch authentication {
	case "genericCredentialType":
		return generic
	case "predefinedCredentialType":
		return predefined
	}
	return genericAuthKinds[authentication]
}
