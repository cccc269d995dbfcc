/* Fields of forms: text and numbers with their range, and what was typed into them. */

export interface NumberShape {
  name: string;
  label: string;
  low: number;
  high: number;
  step: number | "any";
  required?: boolean;
  value?: string;
}

export function NumberField({ name, label, low, high, step, required = false, value = "" }: NumberShape) {
  return (
    <label class="field">
      <span>{label}</span>
      <input name={name} type="number" min={low} max={high} step={step} required={required} defaultValue={value} inputMode="decimal" autocomplete="off" />
    </label>
  );
}

interface TextShape {
  name: string;
  label: string;
  value?: string;
  required?: boolean;
  pattern?: string;
  maxLength?: number;
}

export function TextField({ name, label, value = "", required = false, pattern, maxLength = 64 }: TextShape) {
  return (
    <label class="field">
      <span>{label}</span>
      <input name={name} required={required} defaultValue={value} autocomplete="off" maxLength={maxLength} {...(pattern ? { pattern } : {})} />
    </label>
  );
}

function field(form: HTMLFormElement, name: string): HTMLInputElement | null {
  return form.elements.namedItem(name) as HTMLInputElement | null;
}

export function textOf(form: HTMLFormElement, name: string): string {
  return field(form, name)?.value.trim() ?? "";
}

/** The numbers that were typed; an empty field is absent. */
export function numbersOf(form: HTMLFormElement, shapes: readonly Pick<NumberShape, "name">[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { name } of shapes) {
    const number = field(form, name)?.valueAsNumber ?? NaN;
    if (Number.isFinite(number)) found[name] = number;
  }
  return found;
}

/** Local time as an input of type datetime-local has it. */
export function localMinute(ms: number): string {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 16);
}
