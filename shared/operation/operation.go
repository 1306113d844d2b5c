// Package operation lists the documented operations, and the calls that ask what became
// of erasures. It is the one place that knows their names, routes and callers: the
// functions, the authorizers' policies, the metrics, the principals' scopes, the clients
// and the tests read it, and a test holds template.yaml against it.
package operation

import (
	"net/http"
	"slices"
	"strings"
)

// The kinds of callers, as principals are stored and imported.
const (
	Operator = "operator" // HTTP Basic
	APIUser  = "apiUser"  // a key in the header or the form
	App      = "app"      // a key and a secret, or the token that they are exchanged for
)

// The functions that API Gateway asks whether a caller may call an operation.
const (
	AuthorizeOperator = "authorize-operator"
	AuthorizeApp      = "authorize-app"
)

// Operation is one documented call; or several calls that one function answers (Calls).
type Operation struct {
	Name       string   // the folder in functions/; also the scope and the metrics' dimension
	Method     string   // of HTTP
	Paths      []string // as in template.yaml, all with the same answer
	Calls      []Route  // in place of Method and Paths, each with an answer of its own
	Caller     string   // Operator, APIUser or App; "": each of them
	Authorizer string   // the function that API Gateway asks first; "": the operation checks
	// OtherMethods says that the operation also gets, and refuses, every method that none
	// offers on its paths.
	OtherMethods bool
	// PassesOn is a further method on its paths, "" for none: the operation offers
	// nothing by it, and passes its calls on where the deployment has somebody who does.
	PassesOn string
}

// Route is a method of HTTP and a path as in template.yaml.
type Route struct{ Method, Path string }

// AnyMethod is the method of a route that gets whatever no other route of its path gets.
const AnyMethod = "ANY"

// The operations, in the order of docs/contracts.md.
var (
	DeleteCustomerInfo = Operation{
		Name: "delete-customer-info", Method: http.MethodDelete, Paths: provision,
		Caller: Operator, Authorizer: AuthorizeOperator, OtherMethods: true,
	}
	SetTemporaryAllow = Operation{
		Name: "set-temporary-allow", Method: http.MethodPut, Paths: provision,
		Caller: Operator, Authorizer: AuthorizeOperator,
	}
	DeleteCustomer = Operation{
		Name: "delete-customer", Method: http.MethodPost, Paths: []string{"/api.php", "/"},
		Caller: APIUser, PassesOn: http.MethodGet,
	}
	CleanCustomerData = Operation{
		Name: "clean-customer-data", Method: http.MethodPost,
		Paths:  []string{"/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata"},
		Caller: App, Authorizer: AuthorizeApp,
	}
	IssueToken = Operation{
		Name: "issue-token", Method: http.MethodPost,
		Paths:  []string{"/apigovernance/api/oauth/tokenByAkSk"},
		Caller: App,
	}
)

// The calls that ask what became of erasures, in the order of docs/contracts.md. Each has
// a resource of its own in the path, and what it is about, but never a data subject: that
// stands in the body alone.
var (
	ReadErasure = Route{http.MethodGet, "/erasures/{id}"}
	// ReadSubjects is a POST because identifiers stand in its body. It changes nothing.
	ReadSubjects   = Route{http.MethodPost, "/erasures/{id}/subjects"}
	ReadReceipt    = Route{http.MethodGet, "/erasures/{id}/receipt"}
	ReadReceiptFor = Route{http.MethodPost, "/erasures/{id}/receipt"} // one data subject
	ListErasures   = Route{http.MethodGet, "/erasures"}
	ReadCheckpoint = Route{http.MethodGet, "/ledger/checkpoint"}
	ReadLogKey     = Route{http.MethodGet, "/ledger/key"}
)

// ReadErasures answers these calls. An operator needs it among its scopes for those about
// erasures. It is none of All: those are documented elsewhere, for callers that were
// there before us, and this one is our own.
var ReadErasures = Operation{
	Name: "read-erasures", OtherMethods: true,
	Calls: []Route{
		ReadErasure, ReadSubjects, ReadReceipt, ReadReceiptFor, ListErasures, ReadCheckpoint, ReadLogKey,
	},
}

// PreviewErasure is the call that asks what an erasure would find.
var PreviewErasure = Route{http.MethodPost, "/erasures/preview"}

// PreviewErasures answers it. An operator needs it among its scopes. As ReadErasures, it
// is none of All.
var PreviewErasures = Operation{
	Name: "preview-erasures", OtherMethods: true, Calls: []Route{PreviewErasure},
}

// The calls about holds. The id is one that the caller gives to the hold.
var (
	PlaceHold   = Route{http.MethodPut, "/holds/{id}"}
	ReadHold    = Route{http.MethodGet, "/holds/{id}"}
	ReleaseHold = Route{http.MethodDelete, "/holds/{id}"}
	ListHolds   = Route{http.MethodGet, "/holds"}
)

// HoldErasures answers them, to operators who have it among their scopes alone. As
// ReadErasures, it is none of All.
var HoldErasures = Operation{
	Name: "hold-erasures", OtherMethods: true,
	Calls: []Route{PlaceHold, ReadHold, ReleaseHold, ListHolds},
}

// Own are the calls of our own, beside All.
var Own = []Operation{ReadErasures, PreviewErasures, HoldErasures}

// The calls of our own beside operations 1 and 2: what a user has, and the use of a
// temporary allow. They are as those but for one thing: no vendor documents them.
var (
	ReadProvision = Operation{
		Name: "read-provision", Method: http.MethodGet, Paths: provision,
		Caller: Operator, Authorizer: AuthorizeOperator,
	}
	UseTemporaryAllow = Operation{
		Name: "use-temporary-allow", Method: http.MethodPost,
		Paths:  []string{provision[0] + "/use", provision[1] + "/use"},
		Caller: Operator, Authorizer: AuthorizeOperator, OtherMethods: true,
	}
)

// Users are these two.
var Users = []Operation{ReadProvision, UseTemporaryAllow}

// provision are the paths of operations 1 and 2, under both base paths.
var provision = []string{
	"/customercare/v1/{customerId}/provision",
	"/risk-cc/customercare/v1/{customerId}/provision",
}

// Every is All, Users and Own: whatever a caller may call.
func Every() []Operation { return slices.Concat(All, Users, Own) }

// Audited are those whose every call is in the audit's log: All and Users.
func Audited() []Operation { return slices.Concat(All, Users) }

// All are the operations, in the order of docs/contracts.md.
var All = []Operation{
	DeleteCustomerInfo, SetTemporaryAllow, DeleteCustomer, CleanCustomerData, IssueToken,
}

// Routes are the operation's own, and those of the methods that it refuses or passes on.
func (o Operation) Routes() []Route {
	routes := slices.Clone(o.Calls)
	for _, path := range o.Paths {
		routes = append(routes, Route{o.Method, path})
		if o.PassesOn != "" {
			routes = append(routes, Route{o.PassesOn, path})
		}
	}
	if !o.OtherMethods {
		return routes
	}
	for _, route := range slices.Clone(routes) {
		if other := (Route{AnyMethod, route.Path}); !slices.Contains(routes, other) {
			routes = append(routes, other)
		}
	}
	return routes
}

// Functions are the folders of the functions that a caller waits for, sorted: those of
// the operations, of Users, and their authorizers.
func Functions() []string {
	var names []string
	for _, o := range Audited() {
		names = append(names, o.Name)
		if o.Authorizer != "" {
			names = append(names, o.Authorizer)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Scopes are the names of the operations that a principal of the kind caller can be
// allowed to call. IssueToken is none of them: it gives an app the token for the others.
// Those of Own are an operator's only, who may ask about all: API users and apps are told
// of nothing but what is theirs.
func Scopes(caller string) []string {
	var names []string
	for _, o := range Audited() {
		if o.Caller == caller && o.Name != IssueToken.Name {
			names = append(names, o.Name)
		}
	}
	if caller == Operator {
		for _, o := range Own {
			names = append(names, o.Name)
		}
	}
	return names
}

// Routes are all that a caller may call whom the authorizer lets in, as an IAM policy
// writes them: "POST/path", with "*" for a parameter of the path and for a method where
// an operation gets the other ones too. Each stands there with and without a slash at its
// end, which API Gateway routes alike but leaves in the event.
func Routes(authorizer string) []string {
	var routes []string
	for _, o := range Audited() {
		if o.Authorizer != authorizer {
			continue
		}
		for _, path := range o.Paths {
			method := o.Method
			if slices.ContainsFunc(Audited(), func(other Operation) bool {
				return other.OtherMethods && slices.Contains(other.Paths, path)
			}) {
				method = "*"
			}
			route := method + wildcards(path)
			routes = append(routes, route, route+"/")
		}
	}
	return unique(routes)
}

// wildcards is the path with "*" in place of its parameters.
func wildcards(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}

// unique is all without what stands there before, in the same order.
func unique(all []string) []string {
	var once []string
	for _, s := range all {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}
