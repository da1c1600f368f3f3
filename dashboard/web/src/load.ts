import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from "vue";
import { ApiError } from "@/api/client";
import { formatSpan } from "@/format/time";
import { i18n, language } from "@/i18n";
import { zhCN } from "@/locales/zh-CN";

const PROBLEM = "urn:anhu:problem:";

/** The server's own name for what went wrong, "" where it gave none. */
export function problemName(error: ApiError): string {
  const { type } = error.problem;
  return type?.startsWith(PROBLEM) ? type.slice(PROBLEM.length) : "";
}

/** An error in the reader's words. */
export function explain(error: unknown): string {
  const { t } = i18n.global;
  if (error instanceof ApiError) {
    if (error.status === 0) return t("common.unreachable");
    if (error.status === 404) return t("common.notFound");
    const name = problemName(error);
    if (name in zhCN.problem) {
      const lists = (error.problem.checklists ?? []).map(({ zh, en }) => (language.value === "en" ? en : zh));
      return t(`problem.${name}`, { limit: formatSpan((error.problem.limit_s ?? 0) * 1000), lists: lists.join("; ") });
    }
    return error.message;
  }
  return error instanceof Error ? error.message : String(error);
}

export interface Loaded<T> {
  data: ShallowRef<T | null>;
  error: Ref<unknown>;
  loading: Ref<boolean>;
  reload(): Promise<void>;
}

/** Something fetched: the last good answer stays while it is fetched again; of overlapping fetches the latest wins. */
export function useLoad<T>(fetcher: () => Promise<T>): Loaded<T> {
  const data = shallowRef<T | null>(null);
  const error = ref<unknown>(null);
  const loading = ref(false);
  let latest = 0;

  async function reload(): Promise<void> {
    const turn = ++latest;
    loading.value = true;
    try {
      const answer = await fetcher();
      if (turn !== latest) return;
      data.value = answer;
      error.value = null;
    } catch (cause) {
      if (turn === latest) error.value = cause;
    } finally {
      if (turn === latest) loading.value = false;
    }
  }

  onScopeDispose(() => {
    latest = -1;
  });
  return { data, error, loading, reload };
}

export interface Page<T> {
  items: T[];
  total: number;
  next_cursor: string | null;
}

export interface Pages<T> {
  rows: ShallowRef<T[]>;
  page: ShallowRef<Page<T> | null>;
  error: Ref<unknown>;
  loading: Ref<boolean>;
  /** Anew from the first page; `empty` for another list, whose rows must not stand among the old ones. */
  first(empty?: boolean): void;
  more(): void;
  /** The first page anew, unless somebody reads further down. */
  refresh(): void;
}

/** A list that grows page by page, as far as one reads. */
export function usePages<T extends { id: string | number }>(fetcher: (cursor: string | undefined) => Promise<Page<T>>): Pages<T> {
  const rows = shallowRef<T[]>([]);
  const cursor = ref<string | undefined>();
  const { data: page, error, loading, reload } = useLoad(() => fetcher(cursor.value));

  watch(page, (got) => {
    if (!got) return;
    const fresh = new Set(got.items.map(({ id }) => id));
    const kept = cursor.value === undefined ? [] : rows.value.filter(({ id }) => !fresh.has(id));
    rows.value = [...kept, ...got.items];
  });

  function first(empty = false): void {
    if (empty) {
      rows.value = [];
      page.value = null;
    }
    cursor.value = undefined;
    void reload();
  }

  function more(): void {
    cursor.value = page.value?.next_cursor ?? undefined;
    void reload();
  }

  function refresh(): void {
    if (cursor.value === undefined) first();
  }

  return { rows, page, error, loading, first, more, refresh };
}

/** Calls `action` every `intervalMs` while the scope lives and the page is visible. */
export function useInterval(action: () => void, intervalMs: number): void {
  const timer = setInterval(() => {
    if (!document.hidden) action();
  }, intervalMs);
  onScopeDispose(() => clearInterval(timer));
}
