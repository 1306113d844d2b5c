package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/local/lambda"
)

// authorizer is one Lambda authorizer with its cache.
type authorizer struct {
	Authorizer
	gateway *Gateway
	name    string

	mu    sync.Mutex
	cache map[string]*verdict // by identity
}

// verdict is what an authorizer said: who the caller is and what they may do. It is the
// whole policy: another request with the same identity is judged by it again, for its own
// route.
type verdict struct {
	statements []events.IAMPolicyStatement
	context    map[string]any // for requestContext.authorizer
	until      time.Time      // when it is forgotten
}

// decide lets the call through, noting who calls, or says how to refuse it.
func (a *authorizer) decide(c *call) *refusal {
	identity, ok := a.identity(c)
	if !ok {
		return &unauthorized
	}
	c.access.Function = a.Function // until the route's own function is asked
	v := a.remembered(identity)
	began := time.Now()
	if v == nil {
		var refused *refusal
		v, refused = a.ask(c)
		c.asked = leg{http.StatusOK, time.Since(began)}
		if refused != nil {
			c.asked.status = refused.status
			return refused
		}
		a.remember(identity, v)
	}
	allowed, explicit := v.allows(a.methodArn(c))
	switch {
	case allowed:
		c.authorizer = maps.Clone(v.context)
		c.authorizer["integrationLatency"] = time.Since(began).Milliseconds()
		return nil
	case explicit:
		return &accessDeniedExplicitly
	}
	return &accessDenied
}

// identity collects what identifies the caller; false when a header is missing or empty.
// Header names match in any case here: clients may write them as they like.
func (a *authorizer) identity(c *call) (string, bool) {
	var values []string
	for _, name := range a.Headers {
		value := c.get(name)
		if value == "" {
			return "", false
		}
		values = append(values, value)
	}
	if a.Address {
		values = append(values, c.remote)
	}
	key, _ := json.Marshal(values) // joins without two lists ever sharing a key
	return string(key), true
}

// remembered gives the answer that is kept; nil without one, as always when TTL is 0.
func (a *authorizer) remembered(identity string) *verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v := a.cache[identity]; v != nil && a.gateway.api.Now().Before(v.until) {
		return v
	}
	return nil
}

func (a *authorizer) remember(identity string, v *verdict) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.gateway.api.Now()
	maps.DeleteFunc(a.cache, func(_ string, old *verdict) bool { return now.After(old.until) })
	v.until = now.Add(a.TTL)
	a.cache[identity] = v
}

// ask calls the authorizer's function.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
func (a *authorizer) ask(c *call) (*verdict, *refusal) {
	described := a.gateway.describe(c, true)
	described["type"], described["methodArn"] = "REQUEST", a.methodArn(c)
	event, _ := json.Marshal(described) // as in proxyEvent
	ctx, cancel := context.WithTimeout(context.Background(), a.gateway.api.IntegrationPeriod)
	defer cancel()
	answer, err := a.gateway.invoke(ctx, a.Function, event)
	var failed *lambda.Error
	switch {
	case errors.As(err, &failed) && failed.Message == "Unauthorized": // the agreed way to say 401
		return nil, &unauthorized
	case err != nil: // in the function's own log already
		return nil, &authorizerFailure
	}
	v, err := parseVerdict(answer)
	if err != nil {
		a.gateway.logf("authorizer %s: %v", a.name, err)
		return nil, &authorizerMisconfigured
	}
	return v, nil
}

// methodArn names the request, with the path as sent.
func (a *authorizer) methodArn(c *call) string {
	api := a.gateway.api
	return fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/%s/%s/%s",
		api.Region, api.Account, api.ID, api.Stage, c.method, strings.TrimPrefix(c.path, "/"))
}

// parseVerdict reads an authorizer's answer, and refuses what would be judged wrongly
// here.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
func parseVerdict(answer []byte) (*verdict, error) {
	var answered events.APIGatewayCustomAuthorizerResponse
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	d.DisallowUnknownFields() // such as a Condition
	if err := d.Decode(&answered); err != nil {
		return nil, fmt.Errorf("the answer is no policy of lists: %w", err)
	}
	statements := answered.PolicyDocument.Statement
	if answered.PrincipalID == "" || len(statements) == 0 {
		return nil, errors.New("the answer lacks principalId or a statement in its policyDocument")
	}
	for _, s := range statements {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return nil, fmt.Errorf("a statement's effect is Allow or Deny, not %q", s.Effect)
		}
		if !slices.Equal(s.Action, []string{"execute-api:Invoke"}) {
			return nil, errors.New("the local API Gateway knows the action execute-api:Invoke only")
		}
	}
	v := &verdict{statements: statements, context: map[string]any{"principalId": answered.PrincipalID}}
	for name, value := range answered.Context {
		switch value := value.(type) {
		case nil:
		case string, bool, json.Number:
			v.context[name] = fmt.Sprint(value) // functions get them as text
		default:
			return nil, fmt.Errorf("the context value %q is neither text, number nor boolean", name)
		}
	}
	return v, nil
}

// allows judges a request by its method ARN: an explicit Deny wins over every Allow, and
// what nothing allows is denied.
func (v *verdict) allows(methodArn string) (allowed, explicitlyDenied bool) {
	for _, s := range v.statements {
		fits := func(pattern string) bool { return wildcard(pattern).MatchString(methodArn) }
		if !slices.ContainsFunc(s.Resource, fits) {
			continue
		}
		if s.Effect == "Deny" {
			return false, true
		}
		allowed = true
	}
	return allowed, false
}

// wildcard reads an IAM pattern, in which * is any text, slashes included.
func wildcard(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?s)^` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `$`)
}
