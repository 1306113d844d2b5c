package importer

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/quotas"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// record is one line made ready to be written. Records of one place are written in the
// order of their lines.
type record struct {
	line   int
	bytes  int   // of the line, in the file
	memory int64 // that is taken of inFlight until the record is finished
	kind   string
	place  string
	key    string // names the item or the contact: DynamoDB takes it once a transaction
	item   object // without the partition key for a contact: every copy has its own
	size   int    // bytes that the record takes of a transaction

	customer string   // customer, transaction: the partition key
	tenant   string   // contact: the tenant of its parties
	parties  []string // contact: sorted, so that the same numbers are the same list
	secrets  []string // operator: the passwords
}

// The kinds that are no principals.
const (
	user        = "user"
	customer    = "customer"
	transaction = "transaction"
	contactKind = "contact"
)

// builders make the record of the fields of a kind.
var builders = map[string]func(*fields, *record){
	user: buildUser, customer: buildCustomer, transaction: buildCustomer, contactKind: buildContact,
	store.Operator: buildPrincipal, store.APIUser: buildPrincipal, store.App: buildPrincipal,
}

// printedOnly are the kinds of lines that `customercare subject` prints besides, each
// with why it is not loaded.
var printedOnly = map[string]string{
	"temporaryAllows": "temporary allows cannot be loaded: they are set through the API",
	"item":            "an item that stands as another program has stored it cannot be loaded",
}

// userMaps are the fields of a user that the operations work on, each an attribute of its
// own.
var userMaps = []string{"registration", "questions", "images", "phrases", "devices"}

// valueBytes is about what one value of a line takes in memory, however short it is.
const valueBytes = 100

// parse makes a record of one line. The error is a refusal.
func parse(line []byte) (*record, error) {
	members, values, err := parseObject(line)
	if err != nil {
		return nil, err
	}
	f := &fields{left: members}
	r := &record{kind: f.id("kind", shortID), memory: int64(len(line) + values*valueBytes)}
	if f.err != nil {
		return nil, f.err
	}
	build := builders[r.kind]
	if sentence := printedOnly[r.kind]; sentence != "" {
		return nil, refuse("%s", sentence)
	}
	if build == nil {
		return nil, refuse("kind is none of user, customer, transaction, contact, operator, apiUser, app")
	}
	build(f, r)
	if f.err != nil {
		return nil, f.err
	}
	r.key = r.place + " " + attribute.ReadText(r.item, "record")
	return r, r.weigh()
}

// weigh sets size, and refuses a record of which an item is larger than DynamoDB takes,
// because a local engine may take it. No record breaks another limit: parseObject holds
// names, numbers and levels to theirs, and identifiers are too short to make a key too
// long.
func (r *record) weigh() error {
	for _, item := range r.items() {
		size := quotas.Size(item)
		if r.kind == user {
			size += len("tempAllows") + quotas.SizeOf(attribute.Map(nil)) // which always stands
		}
		if size > quotas.MaxItem {
			return refuse("the record is larger than the 400 KB that DynamoDB takes")
		}
		r.size += size
	}
	if r.kind == contactKind && r.size > maxTransaction {
		return refuse("the record is too large to be filed under %d numbers at once (%d bytes together)",
			len(r.parties), maxTransaction)
	}
	return nil
}

// items are the items that the record is stored as: one, but for a contact, which is one
// for each of its parties.
func (r *record) items() []object {
	if r.kind != contactKind {
		return []object{r.item}
	}
	all := make([]object, len(r.parties))
	for i, number := range r.parties {
		all[i] = maps.Clone(r.item)
		all[i]["party"] = attribute.Text(store.PartyKey(r.tenant, number))
	}
	return all
}

// Items makes the items that the line of a user, a customer, a transaction or a contact
// is stored as: a contact is one item for each of its parties. It writes nothing. The
// error is a sentence without any value.
func Items(line []byte) ([]attribute.Item, error) {
	if len(line) > maxLine {
		return nil, errTooLong
	}
	r, err := parse(line)
	if err != nil {
		return nil, err
	}
	return r.items(), nil
}

func buildUser(f *fields, r *record) {
	id := f.id("customerId", longID)
	f.absent("cannot be loaded: temporary allows are set through the API", "tempAllows")
	r.place = "user " + id
	r.item = object{"customerId": attribute.Text(id)}
	for _, name := range userMaps {
		if value, ok := f.take(name); ok {
			if _, isObject := value.(*types.AttributeValueMemberM); !isObject {
				f.refuse("%s must be a JSON object", name)
			}
			r.item[name] = value
		}
	}
	f.active(r.item)
	f.data(r.item)
}

// buildCustomer makes a customer, or one of its transactions. Both have the customer's
// place, so that they are written in the order of the file.
func buildCustomer(f *fields, r *record) {
	r.customer = store.CustomerKey(f.id("accountId", shortID), f.id("code", shortID))
	r.place = "customer " + r.customer
	sort := store.CustomerRecord
	if r.kind == transaction {
		sort = store.TransactionRecord(f.id("campaignId", shortID), f.id("transactionId", shortID))
		f.at()
	}
	r.item = object{"customer": attribute.Text(r.customer), "record": attribute.Text(sort)}
	if r.kind == customer {
		f.active(r.item)
	}
	f.data(r.item)
}

// maxParties keeps all copies of a contact within one transaction, together with the
// copies it may have to take away.
const maxParties = 50

// buildContact leaves the numbers in the data, too, because parties alone do not say who
// called whom.
func buildContact(f *fields, r *record) {
	r.tenant = f.id("tenantId", shortID)
	key := store.ContactKey(f.at(), f.id("contactId", shortID))
	for _, name := range []string{"callingNumber", "calledNumber"} {
		if value, ok := f.look(name); ok {
			r.parties = append(r.parties, f.check(name, value, shortID))
		}
	}
	if value, ok := f.look("customNos"); ok {
		list, ok := value.(*types.AttributeValueMemberL)
		if !ok {
			f.refuse("customNos must be a list of strings")
			return
		}
		for _, member := range list.Value {
			r.parties = append(r.parties, f.check("each of customNos", member, shortID))
		}
	}
	slices.Sort(r.parties)
	r.parties = slices.Compact(r.parties)
	switch {
	case len(r.parties) == 0:
		f.refuse("callingNumber, calledNumber and customNos are missing: nobody could ever find the contact")
	case len(r.parties) > maxParties:
		f.refuse("callingNumber, calledNumber and customNos name more than %d numbers", maxParties)
	}
	r.place = "contact " + store.JoinKey(r.tenant, key)
	r.item = f.data(object{"contact": attribute.Text(key), "parties": attribute.Texts(r.parties...)})
}

// buildPrincipal reads what all principals have, a name and what bounds them, and then
// what only its kind has.
func buildPrincipal(f *fields, r *record) {
	name := f.id("name", longID)
	key := store.PrincipalKey(r.kind, name)
	r.place = "principal " + key
	r.item = object{"principal": attribute.Text(key)}
	if _, ok := f.look("operations"); ok {
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
		r.item["validUntil"] = attribute.Number(until.Unix())
	}
	switch r.kind {
	case store.Operator:
		if strings.Contains(name, ":") {
			f.refuse("name holds a colon, which Basic authorization cannot carry")
		}
		r.secrets = f.secrets("password", name)
	case store.APIUser:
		r.item["hashes"] = hashes(f.secrets("key", name))
		r.item["accounts"] = attribute.Texts(f.list("accounts", maxAccounts)...)
	case store.App:
		r.item["hashes"] = hashes(f.secrets("secret", name))
		r.item["tenantId"] = attribute.Text(f.id("tenantId", shortID))
	}
	f.absent("is no field of an "+r.kind, "password", "key", "secret") // what is left is of other kinds
	f.nothingElse()
}

// hashes are what is stored of keys and secrets.
func hashes(secrets []string) types.AttributeValue {
	all := make([]string, len(secrets))
	for i, secret := range secrets {
		all[i] = principal.Hash(secret)
	}
	return attribute.Texts(all...)
}
