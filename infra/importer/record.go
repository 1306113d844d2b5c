package importer

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// record is one line made ready to be written. Records of one place are written in the
// order of their lines.
type record struct {
	line   int
	bytes  int // of the line, in the file
	memory int // of the line, as it is kept
	kind   string
	place  string
	item   object // without the partition key for a contact: every copy has its own
	size   int    // bytes that the record takes of a transaction

	customer string // customer, transaction: the partition key
	contact  *contact
	secrets  []string // operator: the passwords
}

// contact is what is needed to file a contact under each of its parties.
type contact struct {
	tenant  string
	key     string   // sort key, that of all copies
	parties []string // sorted, so that the same numbers are the same list
}

// The kinds that are no principals.
const (
	user        = "user"
	customer    = "customer"
	transaction = "transaction"
	contactKind = "contact"
)

// kinds are the formats: the names of a kind's fields, which must be written exactly so,
// and the function that makes the record of the fields.
var kinds = map[string]struct {
	names []string
	build func(*fields, *record)
}{
	user:        {append([]string{"customerId", "tempAllows"}, userMaps...), buildUser},
	customer:    {[]string{"accountId", "code"}, buildCustomer},
	transaction: {[]string{"accountId", "code", "campaignId", "transactionId", "at"}, buildTransaction},
	contactKind: {[]string{"tenantId", "contactId", "at", "callingNumber", "calledNumber", "customNos"},
		buildContact},
	store.Operator: {append([]string{"password", "key", "secret"}, principalNames...), buildOperator},
	store.APIUser:  {append([]string{"password", "key", "secret", "accounts"}, principalNames...), buildAPIUser},
	store.App:      {append([]string{"password", "key", "secret", "tenantId"}, principalNames...), buildApp},
}

// userMaps are the fields of a user that the operations work on, each an attribute of its
// own.
var userMaps = []string{"registration", "questions", "images", "phrases", "devices"}

// principalNames are the fields of all principals.
var principalNames = []string{"name", "operations", "disabled", "validUntil"}

// parse makes a record of one line. The error is a refusal.
func parse(line []byte) (*record, error) {
	left, err := parseObject(line)
	if err != nil {
		return nil, err
	}
	f := &fields{left: left}
	f.named("kind")
	name := f.id("kind", shortID)
	if f.err != nil {
		return nil, f.err
	}
	kind, ok := kinds[name]
	if !ok {
		return nil, refuse("kind is none of user, customer, transaction, contact, operator, apiUser, app")
	}
	r := &record{kind: name}
	f.named(kind.names...)
	kind.build(f, r)
	if f.err != nil {
		return nil, f.err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

func buildUser(f *fields, r *record) {
	id := f.id("customerId", longID)
	f.absent("cannot be loaded: temporary allows are set through the API", "tempAllows")
	r.place = "user " + id
	r.item = object{"customerId": attribute.Text(id)}
	for _, name := range userMaps {
		if value := f.object(name); value != nil {
			r.item[name] = value
		}
	}
	f.data(r.item)
}

func buildCustomer(f *fields, r *record) {
	r.customer = store.CustomerKey(f.id("accountId", shortID), f.id("code", shortID))
	r.place = "customer " + r.customer
	r.item = f.data(object{"customer": attribute.Text(r.customer), "record": attribute.Text(store.CustomerRecord)})
}

// buildTransaction gives the record its customer's place, so that both are written in the
// order of the file.
func buildTransaction(f *fields, r *record) {
	r.customer = store.CustomerKey(f.id("accountId", shortID), f.id("code", shortID))
	r.place = "customer " + r.customer
	key := store.TransactionRecord(f.id("campaignId", shortID), f.id("transactionId", shortID))
	f.at()
	r.item = f.data(object{"customer": attribute.Text(r.customer), "record": attribute.Text(key)})
}

// maxParties keeps all copies of a contact within one transaction, together with the
// copies it may have to take away.
const maxParties = 50

// buildContact leaves the numbers in the data, too, because parties alone do not say who
// called whom.
func buildContact(f *fields, r *record) {
	c := &contact{tenant: f.id("tenantId", shortID)}
	c.key = store.ContactKey(f.at(), f.id("contactId", shortID))
	for _, name := range []string{"callingNumber", "calledNumber"} {
		if value, ok := f.left[name]; ok {
			c.parties = append(c.parties, f.check(name, value, shortID))
		}
	}
	if value, ok := f.left["customNos"]; ok {
		list, ok := value.(*types.AttributeValueMemberL)
		if !ok {
			f.refuse("customNos must be a list of strings")
			return
		}
		for _, member := range list.Value {
			c.parties = append(c.parties, f.check("each of customNos", member, shortID))
		}
	}
	slices.Sort(c.parties)
	c.parties = slices.Compact(c.parties)
	switch {
	case len(c.parties) == 0:
		f.refuse("callingNumber, calledNumber and customNos are missing: nobody could ever find the contact")
	case len(c.parties) > maxParties:
		f.refuse("callingNumber, calledNumber and customNos name more than %d numbers", maxParties)
	}
	r.contact = c
	r.place = "contact " + store.JoinKey(c.tenant, c.key)
	r.item = f.data(object{"contact": attribute.Text(c.key), "parties": attribute.Texts(c.parties...)})
}

func buildOperator(f *fields, r *record) {
	name := buildPrincipal(f, r)
	if slices.Contains([]byte(name), ':') {
		f.refuse("name holds a colon, which Basic authorization cannot carry")
	}
	r.secrets = f.secrets("password", name)
	f.absent("is no field of an operator", "key", "secret")
	f.nothingElse()
}

func buildAPIUser(f *fields, r *record) {
	name := buildPrincipal(f, r)
	r.item["hashes"] = hashes(f.secrets("key", name))
	r.item["accounts"] = attribute.Texts(f.list("accounts", maxAccounts)...)
	f.absent("is no field of an apiUser", "password", "secret")
	f.nothingElse()
}

func buildApp(f *fields, r *record) {
	name := buildPrincipal(f, r)
	r.item["hashes"] = hashes(f.secrets("secret", name))
	r.item["tenantId"] = attribute.Text(f.id("tenantId", shortID))
	f.absent("is no field of an app", "password", "key")
	f.nothingElse()
}

// buildPrincipal reads what all principals have: a name, and what bounds them.
func buildPrincipal(f *fields, r *record) string {
	name := f.id("name", longID)
	key := store.PrincipalKey(r.kind, name)
	r.place = "principal " + key
	r.item = object{"principal": attribute.Text(key)}
	if _, ok := f.left["operations"]; ok {
		known := operation.Scopes(r.kind)
		list := f.list("operations", len(known))
		for _, name := range list {
			if !slices.Contains(known, name) {
				f.refuse("operations may only name %s", strings.Join(known, ", "))
			}
		}
		r.item["operations"] = attribute.Texts(list...)
	}
	if value, ok := f.take("disabled"); ok {
		disabled, ok := value.(*types.AttributeValueMemberBOOL)
		if !ok {
			f.refuse("disabled must be true or false")
		} else if disabled.Value {
			r.item["disabled"] = disabled
		}
	}
	if value, ok := f.take("validUntil"); ok {
		until := f.time("validUntil", value)
		if until.Year() < 2000 {
			f.refuse("validUntil lies before the year 2000")
		}
		r.item["validUntil"] = seconds(until)
	}
	return name
}

// hashes are what is stored of keys and secrets.
func hashes(secrets []string) types.AttributeValue {
	all := make([]string, len(secrets))
	for i, secret := range secrets {
		all[i] = principal.Hash(secret)
	}
	return attribute.Texts(all...)
}

// seconds is a time in Unix seconds.
func seconds(at time.Time) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(at.Unix(), 10)}
}
