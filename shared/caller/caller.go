// Package caller lets in who calls a route of our own. No authorizer of API Gateway
// stands before these routes: three kinds of principals call there, and every refusal has
// the shape of the function's other ones.
package caller

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"customercare/shared/gateway"
	"customercare/shared/media"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/respond"
)

// Door is what callers are known by.
type Door struct {
	Directory principal.Directory
	Tokens    principal.Tokens
}

// LetIn says who calls: an operator or an API user by Basic (RFC 7617), an app by the
// token that operation 5 gave it (RFC 6750). An operator must have the scope, unless it
// is "". API users and apps have no scopes of this kind: the function looks at what is
// theirs. Every error is one for the caller, or of the database.
func (d Door) LetIn(ctx context.Context, call *gateway.Call, scope string) (principal.Reader, error) {
	reader, err := d.identify(ctx, call)
	if locked, ok := errors.AsType[*principal.Locked](err); ok {
		return reader, respond.TryLater(locked.For)
	}
	if errors.Is(err, principal.ErrNotLetIn) {
		return reader, &respond.Error{
			Kind: respond.Unauthorized, Sentence: "Authorization is missing, wrong or expired",
			Header: http.Header{"Www-Authenticate": {`Basic realm="customercare", Bearer realm="customercare"`}},
		}
	}
	if err == nil && scope != "" && reader.Kind == operation.Operator && !slices.Contains(reader.Operations, scope) {
		return reader, ErrForbidden
	}
	return reader, err
}

// ErrForbidden refuses a caller who is known, and may not do this.
var ErrForbidden error = respond.Refuse(respond.Forbidden, "This operation is not allowed to the caller")

// identify looks at the request's one Authorization header.
func (d Door) identify(ctx context.Context, call *gateway.Call) (principal.Reader, error) {
	given := call.Header.Values("Authorization")
	if len(given) != 1 {
		return principal.Reader{}, principal.ErrNotLetIn
	}
	scheme, value, _ := strings.Cut(given[0], " ")
	value = strings.TrimLeft(value, " ")
	if strings.EqualFold(scheme, "Bearer") {
		app, tenant, err := d.Tokens.Find(ctx, value)
		return principal.Reader{Kind: operation.App, Name: app, TenantID: tenant}, err
	}
	name, secret, ok := media.Basic(value)
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return principal.Reader{}, principal.ErrNotLetIn
	}
	return d.Directory.Reader(ctx, call.Source(), name, secret)
}
