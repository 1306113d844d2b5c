package template

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"customercare/infra/local/apigateway"
)

// apiID is the id of the one API a stack has.
const apiID = "local"

// apiProperties are what is read of an AWS::Serverless::Api. Fields of the type any have
// no meaning here.
type apiProperties struct {
	StageName        string
	BinaryMediaTypes []string
	AccessLogSetting struct{ Format, DestinationArn string }
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigateway-stage-methodsetting.html
	MethodSettings []struct {
		ResourcePath, HttpMethod                       string
		ThrottlingRateLimit                            float64 `json:",string"`
		ThrottlingBurstLimit                           int     `json:",string"`
		DataTraceEnabled, LoggingLevel, MetricsEnabled any
	}
	Auth struct {
		Authorizers map[string]struct {
			FunctionPayloadType, FunctionArn string
			Identity                         struct {
				Headers, Context []string
				ReauthorizeEvery int `json:",string"`
			}
		}
	}
	GatewayResponses map[string]struct {
		StatusCode         int `json:",string"`
		ResponseParameters struct{ Headers map[string]string }
		ResponseTemplates  map[string]string
	}
}

// readAPI reads the AWS::Serverless::Api. Its routes are events of the functions.
func (l *loader) readAPI(r Resource) error {
	api := &l.template.API
	if api.ID != "" {
		return fmt.Errorf("the local stack serves one API, and this is a second one")
	}
	var p apiProperties
	if err := r.read(&p); err != nil {
		return err
	}
	*api = apigateway.API{
		ID: apiID, Account: AccountID, Region: l.Region, Stage: p.StageName, AccessLog: p.AccessLogSetting.Format,
		Authorizers: map[string]apigateway.Authorizer{}, Responses: map[string]apigateway.Response{},
	}
	for name, a := range p.Auth.Authorizers {
		if a.FunctionPayloadType != "REQUEST" { // SAM's default is TOKEN
			return fmt.Errorf("authorizer %s: the local stack knows authorizers of the type REQUEST only", name)
		}
		byAddress := slices.Equal(a.Identity.Context, []string{"identity.sourceIp"})
		if !byAddress && len(a.Identity.Context) > 0 {
			return fmt.Errorf("authorizer %s: the local stack knows no context but identity.sourceIp", name)
		}
		_, function, isOne := strings.Cut(a.FunctionArn, ":function:")
		if !isOne {
			return fmt.Errorf("authorizer %s: the local stack asks functions of the template only", name)
		}
		api.Authorizers[name] = apigateway.Authorizer{
			Function: function, Headers: a.Identity.Headers, Address: byAddress,
			TTL: time.Duration(a.Identity.ReauthorizeEvery) * time.Second,
		}
	}
	for kind, custom := range p.GatewayResponses {
		r := apigateway.Response{
			StatusCode: custom.StatusCode, Headers: custom.ResponseParameters.Headers,
			Templates: custom.ResponseTemplates,
		}
		if err := checkResponse(r); err != nil {
			return fmt.Errorf("gateway response %s: %w", kind, err)
		}
		api.Responses[kind] = r
	}
	if !slices.Equal(p.BinaryMediaTypes, []string{"*~1*"}) {
		return errors.New("the local stack takes every body for a binary one only (BinaryMediaTypes: [*~1*])")
	}
	l.throttles = map[string]*apigateway.Throttle{}
	for _, s := range p.MethodSettings {
		// "/~1a~1b" is /a/b, "/" the root; "/*" is what "*" has for all methods.
		path := "/" + strings.TrimPrefix(strings.ReplaceAll(strings.TrimPrefix(s.ResourcePath, "/"), "~1", "/"), "/")
		method := strings.ToUpper(s.HttpMethod) + " " + path
		if l.throttles[method] != nil || s.HttpMethod == "" || !strings.HasPrefix(s.ResourcePath, "/") ||
			s.ThrottlingRateLimit <= 0 || s.ThrottlingBurstLimit <= 0 {
			return fmt.Errorf("method setting %q %q: names no method, one that another names, or no two limits",
				s.HttpMethod, s.ResourcePath)
		}
		l.throttles[method] = &apigateway.Throttle{Rate: s.ThrottlingRateLimit, Burst: s.ThrottlingBurstLimit}
	}
	return nil
}

// checkResponse refuses a gateway response that is not the same text for each request.
func checkResponse(r apigateway.Response) error {
	if http.StatusText(r.StatusCode) == "" {
		return fmt.Errorf("StatusCode %d is no HTTP status", r.StatusCode)
	}
	for name, value := range r.Headers {
		if len(value) < 2 || value[0] != '\'' || value[len(value)-1] != '\'' {
			return fmt.Errorf("the local stack knows 'static text' of headers only, not %s: %s", name, value)
		}
	}
	for contentType, template := range r.Templates {
		if strings.Contains(template, "$") {
			return fmt.Errorf("the local stack knows no variables in templates, such as the one of %s", contentType)
		}
	}
	return nil
}
