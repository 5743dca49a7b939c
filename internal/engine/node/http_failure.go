package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"flowgate/internal/egress"
	"flowgate/internal/workflow"
)

// statusSentences say what a status means for the one who built the workflow.
var statusSentences = map[int]string{
	http.StatusNotModified:           "The service says that nothing has changed",
	http.StatusBadRequest:            "The service did not understand the request",
	http.StatusUnauthorized:          "The service does not accept the credentials",
	http.StatusPaymentRequired:       "The service asks for a payment",
	http.StatusForbidden:             "The service does not permit this",
	http.StatusNotFound:              "The service has nothing at this address",
	http.StatusMethodNotAllowed:      "The service does not take this method at this address",
	http.StatusNotAcceptable:         "The service cannot answer in an accepted form",
	http.StatusRequestTimeout:        "The service waited too long for the request",
	http.StatusConflict:              "The request is in conflict with what the service holds",
	http.StatusGone:                  "What was at this address is gone",
	http.StatusRequestEntityTooLarge: "The request is too large for the service",
	http.StatusUnsupportedMediaType:  "The service does not take this kind of body",
	http.StatusUnprocessableEntity:   "The service could not use the values it was sent",
	http.StatusTooManyRequests:       "The service asks for fewer requests; turn on batching or wait and retry",
	http.StatusInternalServerError:   "The service failed",
	http.StatusBadGateway:            "The service did not get an answer from behind it",
	http.StatusServiceUnavailable:    "The service is not available at the moment",
	http.StatusGatewayTimeout:        "The service waited too long for what is behind it",
}

// statusFailure is the failure of an answer that is neither a success nor a
// redirect that was followed.
func statusFailure(a *httpAnswer) *Failure {
	sentence := statusSentences[a.Status]
	if sentence == "" {
		sentence = "The service refused the request"
		switch {
		case a.Status >= 500:
			sentence = "The service failed"
		case a.Status < 400:
			sentence = "The service sends to another address, and redirects are not followed"
		}
	}
	code := "ERR_BAD_REQUEST"
	if a.Status >= 500 {
		code = "ERR_BAD_RESPONSE"
	}
	message := sentence + " (" + strings.TrimSpace(strconv.Itoa(a.Status)+" "+a.Reason) + ")"
	f := httpFailure(message, code)
	f.Code = strconv.Itoa(a.Status)
	f.Detail.Set("status", float64(a.Status))
	if said := a.complaint(); said != "" {
		f.Description = said
		f.Message = message + ": " + said
		f.Detail.Set("message", f.Message)
	}
	return f
}

// httpFailure is a failure that reports an object in an item's error field.
// The name is the one that documents of the format know to look for.
func httpFailure(message, code string) *Failure {
	return &Failure{
		Message: message, Code: code,
		Detail: workflow.NewObject("message", message, "name", "AxiosError", "code", code),
	}
}

// complaint is what a failed answer says of itself, in its usual places.
func (a *httpAnswer) complaint() string {
	v, err := workflow.DecodeJSON(a.bytes())
	if err != nil {
		if strings.HasPrefix(a.header("content-type"), "text/plain") {
			return clip(strings.TrimSpace(string(a.bytes())), 300)
		}
		return ""
	}
	return clip(complaintIn(v, 0), 300)
}

func complaintIn(v any, depth int) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 && depth < 4 {
			return complaintIn(v[0], depth+1)
		}
	case *workflow.Object:
		for _, key := range []string{"message", "error_description", "detail", "description", "error", "errors", "title", "reason"} {
			if s := complaintIn(v.Value(key), depth+1); s != "" && depth < 4 {
				return s
			}
		}
	}
	return ""
}

// transportFailure says why a request got no answer.
func transportFailure(err error, k *httpCall) *Failure {
	host := hostOf(k.url)
	var own *Failure
	if errors.As(err, &own) {
		return own
	}
	var blocked *egress.BlockedError
	var dns *net.DNSError
	var redirects *egress.RedirectError
	var large *egress.TooLargeError
	var netErr net.Error
	switch {
	case errors.As(err, &blocked):
		return httpFailure("The request was not sent: "+blocked.Error(), "EGRESS_BLOCKED")
	case errors.As(err, &redirects):
		return httpFailure("The request failed: "+redirects.Error()+".", "ERR_FR_TOO_MANY_REDIRECTS")
	case errors.As(err, &large):
		return httpFailure("The answer of "+host+" was not read: "+large.Error()+".", "ERR_BAD_RESPONSE")
	case errors.As(err, &dns) && !dns.IsTimeout:
		return httpFailure("The host "+host+" was not found. Check the address.", "ENOTFOUND")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return httpFailure("The service at "+host+" did not answer within "+k.timeout.Round(time.Millisecond).String()+". The option timeout says how long to wait.", "ECONNABORTED")
	}
	if f := tlsFailure(err, host); f != nil {
		return f
	}
	for errno, s := range errnoSentences {
		if errors.Is(err, errno) {
			return httpFailure(s.text+" ("+host+").", s.code)
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return httpFailure("The service at "+host+" closed the connection without an answer.", "ECONNRESET")
	}
	return httpFailure("The request to "+host+" failed: "+rootCause(err)+".", "ERR_NETWORK")
}

var errnoSentences = map[syscall.Errno]struct{ code, text string }{
	syscall.ECONNREFUSED: {"ECONNREFUSED", "The service refused the connection; perhaps it is not running there"},
	syscall.ECONNRESET:   {"ECONNRESET", "The service broke the connection off"},
	syscall.EPIPE:        {"EPIPE", "The service broke the connection off"},
	syscall.EHOSTUNREACH: {"EHOSTUNREACH", "There is no way to the host"},
	syscall.ENETUNREACH:  {"ENETUNREACH", "There is no way to the host's network"},
}

func tlsFailure(err error, host string) *Failure {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	const hint = " The option allowUnauthorizedCerts accepts it all the same."
	switch {
	case errors.As(err, &unknown):
		return httpFailure("The certificate of "+host+" is not signed by a known authority."+hint, "UNABLE_TO_VERIFY_LEAF_SIGNATURE")
	case errors.As(err, &name):
		return httpFailure("The certificate of "+host+" is made out to another name."+hint, "ERR_TLS_CERT_ALTNAME_INVALID")
	case errors.As(err, &invalid):
		return httpFailure("The certificate of "+host+" is not valid: "+invalid.Error()+"."+hint, "CERT_HAS_EXPIRED")
	case errors.As(err, &record):
		return httpFailure(host+" does not speak TLS at this port; perhaps the address should begin with http://.", "EPROTO")
	}
	return nil
}

// rootCause is the innermost message, without addresses that may hold keys.
func rootCause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return strings.TrimSuffix(err.Error(), ".")
		}
		err = inner
	}
}
