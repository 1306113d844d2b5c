package template

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"customercare/infra/local/apigateway"
	"customercare/infra/local/lambda"
)

// apiID is the id of the one API a stack has.
const apiID = "local"

// readAPI reads the AWS::Serverless::Api. Its routes are events of the functions.
func (l *loader) readAPI(name string, p properties) error {
	api := &l.template.API
	if api.ID != "" {
		return fmt.Errorf("the local stack serves one API, and this is a second one")
	}
	if p["DefinitionBody"] != nil || p["DefinitionUri"] != nil {
		return fmt.Errorf("the local stack reads routes from the functions' events, not from an OpenAPI definition")
	}
	api.ID, api.Account, api.Region = apiID, l.Account, l.Region
	api.Stage = p.text("StageName")
	api.AccessLog = p.under("AccessLogSetting").text("Format")
	for _, t := range p.texts("BinaryMediaTypes") {
		api.BinaryMediaTypes = append(api.BinaryMediaTypes, strings.ReplaceAll(t, "~1", "/"))
	}
	if err := l.readAuthorizers(p.under("Auth")); err != nil {
		return err
	}
	if err := l.readThrottles(p.mappings("MethodSettings")); err != nil {
		return err
	}
	api.Responses = map[string]apigateway.Response{}
	for kind := range p.under("GatewayResponses") {
		g := p.under("GatewayResponses").under(kind)
		status, err := g.number("StatusCode", 0)
		if err != nil || status != 0 && http.StatusText(status) == "" {
			return fmt.Errorf("gateway response %s: StatusCode %q is no HTTP status", kind, g.text("StatusCode"))
		}
		api.Responses[kind] = apigateway.Response{
			StatusCode: status,
			Headers:    g.under("ResponseParameters").under("Headers").strings(),
			Templates:  g.under("ResponseTemplates").strings(),
		}
	}
	return nil
}

// anyMethod is what a method setting names for all methods.
var anyMethod = methodKey{"/*", "*"}

// methodKey names a method in a stage's settings.
type methodKey struct{ path, method string }

// readThrottles reads the stage's settings of methods.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigateway-stage-methodsetting.html
func (l *loader) readThrottles(settings []properties) error {
	l.throttles = map[methodKey]*apigateway.Throttle{}
	for _, setting := range settings {
		where, method := setting.text("ResourcePath"), strings.ToUpper(setting.text("HttpMethod"))
		key := methodKey{where, method}
		if key != anyMethod {
			// "/~1a~1b" is /a/b, "/" the root.
			key.path = "/" + strings.TrimPrefix(strings.ReplaceAll(strings.TrimPrefix(where, "/"), "~1", "/"), "/")
		}
		if !strings.HasPrefix(where, "/") || method == "" || l.throttles[key] != nil {
			return fmt.Errorf("method setting %q %q: names no method, or one that another names", method, where)
		}
		throttle := apigateway.AccountThrottle
		var err error
		if text := setting.text("ThrottlingRateLimit"); text != "" {
			if throttle.Rate, err = strconv.ParseFloat(text, 64); err != nil {
				return fmt.Errorf("method setting %s %s: ThrottlingRateLimit %q is no number", method, where, text)
			}
		}
		if throttle.Burst, err = setting.number("ThrottlingBurstLimit", throttle.Burst); err != nil {
			return fmt.Errorf("method setting %s %s: %w", method, where, err)
		}
		l.throttles[key] = &throttle
	}
	return nil
}

func (l *loader) readAuthorizers(auth properties) error {
	api := &l.template.API
	api.Authorizers = map[string]apigateway.Authorizer{}
	for name := range auth.under("Authorizers") {
		p := auth.under("Authorizers").under(name)
		if p.text("FunctionPayloadType") != "REQUEST" { // SAM's default is TOKEN
			return fmt.Errorf("authorizer %s: the local stack knows authorizers of the type REQUEST only", name)
		}
		identity := p.under("Identity")
		_, function, ok := strings.Cut(p.text("FunctionArn"), ":function:")
		if !ok {
			return fmt.Errorf("authorizer %s: the local stack knows Lambda authorizers only", name)
		}
		seconds, err := identity.number("ReauthorizeEvery", 300)
		if err != nil {
			return fmt.Errorf("authorizer %s: %w", name, err)
		}
		a := apigateway.Authorizer{
			Function: function,
			TTL:      time.Duration(seconds) * time.Second,
		}
		for _, in := range []struct{ property, kind string }{
			{"Headers", "header"}, {"QueryStrings", "query"}, {"StageVariables", "stage"}, {"Context", "context"},
		} {
			for _, source := range identity.texts(in.property) {
				a.Sources = append(a.Sources, apigateway.IdentitySource{In: in.kind, Name: source})
			}
		}
		api.Authorizers[name] = a
	}
	l.defaultAuthorizer = auth.text("DefaultAuthorizer")
	return nil
}

// finishRoutes gives every route its throttle and its authorizer, and checks that what
// routes name is there.
func (l *loader) finishRoutes() error {
	t := l.template
	for i := range t.API.Routes {
		r := &t.API.Routes[i]
		r.Throttle = cmp.Or(l.throttles[methodKey{r.Path, r.Method}], l.throttles[anyMethod])
		switch r.Authorizer {
		case "":
			r.Authorizer = l.defaultAuthorizer
		case "NONE":
			r.Authorizer = ""
		}
		if _, ok := t.API.Authorizers[r.Authorizer]; !ok && r.Authorizer != "" {
			return fmt.Errorf("route %s %s wants the authorizer %q, which is not there", r.Method, r.Path, r.Authorizer)
		}
	}
	for name, a := range t.API.Authorizers {
		isIt := func(f lambda.Function) bool { return f.Name == a.Function }
		if !slices.ContainsFunc(t.Functions, isIt) {
			return fmt.Errorf("authorizer %s wants the function %q, which is not there", name, a.Function)
		}
	}
	return nil
}
