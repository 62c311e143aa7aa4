// Shows openapi.json as a page. In: the description that the server makes of itself. Out: its operations, readable.

const element = (id) => document.getElementById(id);

function make(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

function tabulate(rows) {
  const table = make("table", "");
  for (const [heading, text] of rows) {
    const cell = make("th", "", heading);
    cell.scope = "row";
    table.append(make("tr", "", cell, make("td", "", text)));
  }
  return table;
}

function resolve(schema, description) {
  if (schema?.$ref) return resolve(description.components.schemas[schema.$ref.split("/").pop()], description);
  return schema ?? {};
}

/** Return an example value of a schema, as deep as it goes. */
function imagine(schema, description) {
  const known = resolve(schema, description);
  if (known.anyOf) return imagine(known.anyOf[0], description);
  if (known.type === "array") return [imagine(known.items, description)];
  if (known.type === "object" && known.properties) {
    return Object.fromEntries(Object.entries(known.properties).map(([key, value]) => [key, imagine(value, description)]));
  }
  if (known.type === "object") return known.additionalProperties?.type === "number" ? { happy: 0.93 } : {};
  return { string: "…", integer: 1, number: 0.5, boolean: true }[known.type] ?? null;
}

function describe(path, method, operation, description) {
  const heading = make("h2", "", make("span", "method", method.toUpperCase()), path);
  const section = make("section", "operation", heading, make("p", "", operation.description ?? operation.summary ?? ""));
  const bodies = Object.keys(operation.requestBody?.content ?? {}).map((type) => ["body", type]);
  const inputs = (operation.parameters ?? []).map((entry) => [entry.name, entry.description ?? entry.in]);
  if (bodies.length + inputs.length) section.append(tabulate([...bodies, ...inputs]));
  const answers = Object.entries(operation.responses).map(([status, answer]) => [status, answer.description]);
  section.append(make("details", "", make("summary", "", "Answers"), tabulate(answers)));
  const schema = operation.responses["200"]?.content?.["application/json"]?.schema;
  if (schema) section.lastChild.append(make("pre", "", JSON.stringify(imagine(schema, description), null, 2)));
  return section;
}

async function show() {
  const description = await (await fetch("openapi.json")).json();
  element("description").textContent = `${description.info.description} Version ${description.info.version}.`;
  const base = new URL(".", location.href).href;
  element("example").textContent = `curl --data-binary @photo.jpg ${base}v1/recognise\ncurl -F files=@one.jpg -F files=@two.png ${base}v1/recognise`;
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      element("operations").append(describe(path, method, operation, description));
    }
  }
}

show().catch((error) => {
  element("description").textContent = `The description cannot be read (${error.message}).`;
});
